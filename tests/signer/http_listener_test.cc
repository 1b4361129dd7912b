#include "signer/http_listener.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>

#include <filesystem>
#include <future>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "common/unique_fd.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kForever = absl::Minutes(10);
constexpr char kGet[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

HttpAnswer Echo(const std::string& path) {
  return {.status = 200, .content_type = "text/plain", .body = absl::StrCat("<", path, ">")};
}

std::unique_ptr<HttpListener> Listen(HttpListener::Handler handler = &Echo,
                                     absl::Duration max_connection_time = kForever) {
  auto listener = HttpListener::New("127.0.0.1:0", std::move(handler), max_connection_time);
  EXPECT_TRUE(listener.ok()) << listener.status();
  return *std::move(listener);
}

int PortOf(const HttpListener& listener) {
  return std::stoi(listener.address().substr(listener.address().rfind(':') + 1));
}

// A client that does not keep to the protocol.
class RawClient {
 public:
  explicit RawClient(const HttpListener& listener) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(PortOf(listener)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  void Send(const std::string& text) const {
    (void)send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  // Whether the server has sent something or closed the connection.
  bool HasNews(absl::Duration patience) const {
    pollfd polled{socket_.get(), POLLIN, 0};
    return poll(&polled, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) > 0;
  }

  // Until the server closes the connection.
  std::string Receive() const {
    std::string received;
    char buffer[1024];
    for (ssize_t count = 1; count > 0;) {
      count = recv(socket_.get(), buffer, sizeof(buffer), 0);
      if (count > 0) received.append(buffer, static_cast<size_t>(count));
    }
    return received;
  }

 private:
  const UniqueFd socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
};

int CountDescriptors() {
  const std::filesystem::directory_iterator descriptors("/proc/self/fd");
  return static_cast<int>(std::distance(begin(descriptors), end(descriptors)));
}

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
      client.Send(absl::StrCat(method, " /a HTTP/1.1\r\nHost: a\r\n", body, "\r\n\r\n"));
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

TEST(HttpListenerTest, AClientThatIsSlowIsCut) {
  const auto listener = Listen(&Echo, absl::Milliseconds(50));
  const RawClient silent(*listener);
  silent.Send("GET /a HTTP/1.1\r\n");
  EXPECT_THAT(silent.Receive(), ::testing::Not(HasSubstr("200 OK")));
  // Never silent for long, and never at its end.
  const RawClient dripping(*listener);
  const absl::Time start = absl::Now();
  while (!dripping.HasNews(absl::Milliseconds(5)) && absl::Now() - start < absl::Seconds(20)) {
    dripping.Send("X");
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
}

TEST(HttpListenerTest, ClientsBeyondTheThreadsWaitForTheirTurn) {
  const auto listener = Listen();
  const int before = CountDescriptors();
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < kHttpThreads; ++i) {
    idle.push_back(std::make_unique<RawClient>(*listener));
    idle.back()->Send("GET");
  }
  const RawClient waiting(*listener);
  waiting.Send(kGet);
  std::vector<std::unique_ptr<RawClient>> more;
  while (more.size() < 4) more.push_back(std::make_unique<RawClient>(*listener));
  auto answer = std::async(std::launch::async, [&] { return waiting.Receive(); });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  // Ours, one for each thread, and the one that is next.
  EXPECT_LE(CountDescriptors(), before + kHttpThreads + 1 + 4 + kHttpThreads + 1);
  idle.pop_back();
  EXPECT_THAT(answer.get(), HasSubstr("</a>"));
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
}  // namespace keyward::signer
