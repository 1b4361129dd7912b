#include "common/server/http_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <future>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/common/server/raw_http_client.h"

namespace keyward::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(HttpListenerTest, AnswersGetAndHeadAndClosesTheConnection) {
  const auto listener = Listen();
  httplib::Client client("127.0.0.1", PortOf(*listener));
  const auto got = client.Get("/a/b?c=d");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "</a/b>");
  EXPECT_EQ(got->get_header_value("Connection"), "close");
  EXPECT_EQ(got->get_header_value("Cache-Control"), "no-store");
  const auto head = client.Head("/a");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
}

TEST(HttpListenerTest, RefusesEverythingElseBeforeItsBodyIsRead) {
  const auto listener = Listen();
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    for (const char* body : {"Content-Length: 100000000000", "Transfer-Encoding: chunked"}) {
      const RawClient client(*listener);
      client.Send(absl::StrCat(method, " /a HTTP/1.1\r\nHost: localhost\r\n", body, "\r\n\r\n"));
      const std::string answer = client.Receive();
      EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 ")) << method;
      EXPECT_THAT(answer, HasSubstr("Allow: GET, HEAD\r\n"));
    }
  }
}

TEST(HttpListenerTest, WhatIsNoHttpGetsNoAnswerOfTheHandler) {
  const auto listener = Listen();
  for (const std::string& text :
       {std::string("\r\n\r\n"), std::string("hello\r\n\r\n"), std::string("GET /a\r\n\r\n"),
        std::string("\x16\x03\x01\0\r\n\r\n", 8)}) {
    const RawClient client(*listener);
    client.Send(text);
    EXPECT_THAT(client.Receive(), ::testing::Not(HasSubstr("</a>")));
  }
}

TEST(HttpListenerTest, ARequestThatIsTooLongIsNotReadToItsEnd) {
  const auto listener = Listen();
  const RawClient many_headers(*listener);
  many_headers.Send("GET /a HTTP/1.1\r\n");
  for (int i = 0; i < 2000; ++i) many_headers.Send(absl::StrCat("X-", i, ": 0123456789\r\n"));
  EXPECT_THAT(many_headers.Receive(), ::testing::Not(HasSubstr("200 OK")));
  const RawClient long_line(*listener);
  long_line.Send(absl::StrCat("GET /", std::string(20000, 'a'), " HTTP/1.1\r\n\r\n"));
  EXPECT_THAT(long_line.Receive(), ::testing::Not(HasSubstr("200 OK")));
}

TEST(HttpListenerTest, OnLoopbackAHostElsewhereIsRefused) {
  const auto listener = Listen();
  const auto answer = [&](const std::string& headers) {
    const RawClient client(*listener);
    client.Send(absl::StrCat("GET /a HTTP/1.1\r\n", headers, "\r\n"));
    return client.Receive();
  };
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:9464", "localhost:80", "LOCALHOST", "[::1]:9464", "127.9.9.9"}) {
    EXPECT_THAT(answer(absl::StrCat("Host: ", host, "\r\n")), HasSubstr("</a>")) << host;
  }
  EXPECT_THAT(answer(""), HasSubstr("</a>"));
  for (const char* host : {"evil.example", "evil.example:9464", "localhost.evil.example",
                           "127.0.0.1.evil.example:9464", "192.0.2.1", "[2001:db8::1]:9464",
                           "localhost@evil.example"}) {
    const std::string refused = answer(absl::StrCat("Host: ", host, "\r\n"));
    EXPECT_THAT(refused, StartsWith("HTTP/1.1 403 ")) << host;
    EXPECT_THAT(refused, ::testing::Not(HasSubstr("</a>"))) << host;
  }
  EXPECT_THAT(answer("Host: localhost\r\nhost: evil.example\r\n"), StartsWith("HTTP/1.1 403 "));
}

TEST(HttpListenerTest, ElsewhereAnyHostIsServed) {
  const auto listener = HttpListener::New("0.0.0.0:0", &Echo);
  ASSERT_TRUE(listener.ok()) << listener.status();
  const RawClient client(**listener);
  client.Send("GET /a HTTP/1.1\r\nHost: signer.example\r\n\r\n");
  EXPECT_THAT(client.Receive(), HasSubstr("</a>"));
}

TEST(HttpListenerTest, StoppingWaitsForAnswersButNotForClients) {
  absl::Notification asked;
  absl::Notification may_answer;
  auto listener = Listen([&](const std::string& path) {
    asked.Notify();
    may_answer.WaitForNotification();
    return Echo(path);
  });
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 2 * kHttpThreads; ++i) {
    clients.push_back(std::make_unique<RawClient>(*listener));
    if (i == 0) {
      clients.back()->Send(kGet);
      asked.WaitForNotification();
    }
  }
  const absl::Time start = absl::Now();
  auto stopped = std::async(std::launch::async, [&] { listener.reset(); });
  EXPECT_EQ(stopped.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  may_answer.Notify();
  stopped.get();
  EXPECT_LT(absl::Now() - start, kForever);
  EXPECT_THAT(clients.front()->Receive(), HasSubstr("</a>"));
}

TEST(HttpListenerTest, StopsRightAfterItsStart) {
  for (int i = 0; i < 50; ++i) Listen();
}

TEST(HttpListenerTest, ALeftPortIsFreeAndATakenOneIsAnError) {
  auto listener = Listen();
  const std::string address = listener->address();
  const auto second = HttpListener::New(address, &Echo);
  EXPECT_TRUE(absl::IsUnavailable(second.status())) << second.status();
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
  listener.reset();
  EXPECT_TRUE(HttpListener::New(address, &Echo).ok());
}

TEST(HttpListenerTest, OtherAddresses) {
  const auto ipv6 = HttpListener::New("[::1]:0", &Echo);
  if (ipv6.ok()) {
    httplib::Client client("::1", PortOf(**ipv6));
    EXPECT_EQ(client.Get("/a")->body, "</a>");
    EXPECT_THAT((*ipv6)->address(), StartsWith("[::1]:"));
  }
  EXPECT_TRUE(absl::IsUnavailable(HttpListener::New("203.0.113.1:0", &Echo).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(HttpListener::New("localhost", &Echo).status()));
}

}  // namespace
}  // namespace keyward::server
