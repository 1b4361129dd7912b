// Against a real HTTPS server in this process.
#include "client/https/https_client.h"

#include <set>
#include <thread>

#include "absl/time/clock.h"
#include "common/file.h"
#include "tests/client/https/https_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::KeepAlive;
using ::keyward::testing::LoginHost;
using ::keyward::testing::Posted;
using ::testing::HasSubstr;

class HttpsClientTest : public HttpsFixture {
 protected:
  // How many connections the host saw.
  size_t Connections() const {
    std::set<int> ports;
    for (const Posted& posted : host_.posted()) ports.insert(posted.client_port);
    return ports.size();
  }
};

TEST_F(HttpsClientTest, PostsAForm) {
  const auto answer = Post(host_.Url() + "/services/oauth2/token");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body.Expose(), testing::Granted().body);
  EXPECT_EQ(answer->http_version, 1);
  const Posted seen = host_.posted().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/services/oauth2/token");
  EXPECT_EQ(seen.content_type, "application/x-www-form-urlencoded");
  EXPECT_EQ(seen.body, "assertion=s3cret");
  EXPECT_EQ(seen.headers.count("Authorization"), 0U);
}

TEST_F(HttpsClientTest, GetsWithABearerToken) {
  const Secret token(std::string("00D!x.y"));
  HttpsRequest request;
  request.url = host_.Url() + "/services/oauth2/userinfo";
  request.bearer = &token;
  ASSERT_TRUE(client().Send(request).ok());
  EXPECT_EQ(host_.posted().at(0).method, "GET");
  EXPECT_EQ(host_.posted().at(0).headers["Authorization"], "Bearer 00D!x.y");
  request.bearer = nullptr;
  ASSERT_TRUE(client().Send(request).ok());
  EXPECT_EQ(host_.posted().at(1).headers.count("Authorization"), 0U);
}

TEST_F(HttpsClientTest, WhatIsNotABearerTokenIsNotSent) {
  for (const char* text : {"", "a b", "a\r\nX-Evil: 1", "\xc3\xb6"}) {
    const Secret token{std::string(text)};
    HttpsRequest request;
    request.url = host_.Url();
    request.bearer = &token;
    EXPECT_EQ(ReasonOf(client().Send(request).status()), "BEARER_MALFORMED") << text;
  }
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(HttpsClientTest, HeadAsksForNoBody) {
  HttpsRequest request;
  request.method = HttpsRequest::Method::kHead;
  request.url = host_.Url();
  const auto answer = client().Send(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->body.empty());
  EXPECT_EQ(host_.posted().at(0).method, "HEAD");
  EXPECT_EQ(host_.posted().at(0).path, "/");
}

TEST_F(HttpsClientTest, AnyStatusIsAnAnswer) {
  for (const int status : {201, 400, 401, 404, 429, 500, 503}) {
    host_.AnswerWith({.status = status, .body = "x"});
    EXPECT_EQ(Post(host_.Url())->status, status);
  }
}

TEST_F(HttpsClientTest, ReadsTheHeadersThatCount) {
  host_.AnswerWith({.status = 503,
                    .headers = {{"Date", "Sun, 06 Nov 1994 08:49:37 GMT"},
                                {"Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT"}}});
  const auto answer = Get(host_.Url());
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->date, absl::FromUnixSeconds(784111777));
  EXPECT_EQ(answer->retry_after, absl::Minutes(1));
  host_.AnswerWith({.headers = {{"Retry-After", "17"}}});
  EXPECT_EQ(Get(host_.Url())->retry_after, absl::Seconds(17));
  host_.AnswerWith({});
  EXPECT_FALSE(Get(host_.Url())->retry_after.has_value());
}

TEST_F(HttpsClientTest, KeepsItsConnection) {
  const auto first = Post(host_.Url());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->times.reused);
  EXPECT_GT(first->times.tls, absl::ZeroDuration());
  EXPECT_GE(first->times.total, first->times.name_lookup + first->times.connect + first->times.tls);
  for (int i = 0; i < 10; ++i) {
    const auto next = i % 2 == 0 ? Get(host_.Url()) : Post(host_.Url());
    EXPECT_TRUE(next->times.reused);
    EXPECT_EQ(next->times.tls, absl::ZeroDuration());
    EXPECT_GT(next->times.total, absl::ZeroDuration());
  }
  EXPECT_EQ(Connections(), 1U);
  // A connection is for a host and a port by name: the same server under another one is another.
  EXPECT_FALSE(Get(host_.Url("127.0.0.1"))->times.reused);
  EXPECT_TRUE(Get(host_.Url())->times.reused);
  EXPECT_TRUE(Get(host_.Url("127.0.0.1"))->times.reused);
}

TEST_F(HttpsClientTest, GoesOnWhenTheHostClosedTheConnection) {
  LoginHost closes(pki_.Issue("closes", "DNS:localhost"), KeepAlive::kNo);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Post(closes.Url()).ok());
  EXPECT_EQ(closes.posted().size(), 3U);
}

TEST_F(HttpsClientTest, AnErrorSpoilsNoConnectionForTheNext) {
  EXPECT_TRUE(Post(host_.Url()).ok());
  EXPECT_EQ(ReasonForReply({.body = std::string(100 << 10, 'x')}), "RESPONSE_TOO_LARGE");
  host_.AnswerWith(testing::Granted());
  EXPECT_EQ(Post(host_.Url())->body.Expose(), testing::Granted().body);
}

TEST_F(HttpsClientTest, ServesManyThreadsAtOnce) {
  client();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) EXPECT_TRUE(Post(host_.Url()).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(host_.posted().size(), 80U);
  // One a thread, at most.
  EXPECT_LE(Connections(), 8U);
}

TEST_F(HttpsClientTest, ReadsNoMoreThanTheLimit) {
  options_.max_response_bytes = 1000;
  host_.AnswerWith({.body = std::string(1000, 'x')});
  EXPECT_EQ(Post(host_.Url())->body.Expose().size(), 1000U);
  EXPECT_EQ(ReasonForReply({.body = std::string(1001, 'x')}), "RESPONSE_TOO_LARGE");
  EXPECT_EQ(ReasonForReply({.body = std::string(1 << 20, 'x')}), "RESPONSE_TOO_LARGE");
}

TEST_F(HttpsClientTest, EndlessHeadersAreNotRead) {
  testing::Reply reply;
  for (int i = 0; i < 20; ++i) reply.headers["X-" + std::to_string(i)] = std::string(4000, 'x');
  EXPECT_EQ(ReasonForReply(reply), "RESPONSE_TOO_LARGE");
}

TEST_F(HttpsClientTest, ATruncatedAnswerIsNotAnAnswer) {
  const absl::Status status =
      (host_.AnswerWith({.body = "abc", .announced_bytes = 4}), ErrorOf(host_.Url()));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE");
}

TEST_F(HttpsClientTest, TheTotalTimeLimitHoldsInSilenceAndWhileBytesArrive) {
  options_.total_timeout = absl::Milliseconds(300);
  EXPECT_EQ(ReasonForReply({.body = "x", .announced_bytes = 2, .hang = true}),
            "LOGIN_HOST_TIMEOUT");
  host_.AnswerWith({.body = "x", .announced_bytes = 60'000, .drip = true});
  const absl::Status status = ErrorOf(host_.Url());
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_TIMEOUT");
}

TEST_F(HttpsClientTest, TheCallersDeadlineHoldsToo) {
  options_.total_timeout = absl::Hours(1);
  host_.AnswerWith({.body = "x", .announced_bytes = 2, .hang = true});
  EXPECT_EQ(ReasonOf(Get(host_.Url(), absl::Now() + absl::Milliseconds(300)).status()),
            "LOGIN_HOST_TIMEOUT");
  const size_t before = host_.posted().size();
  EXPECT_EQ(ReasonOf(Get(host_.Url(), absl::Now() - absl::Seconds(1)).status()),
            "LOGIN_HOST_TIMEOUT");
  EXPECT_EQ(host_.posted().size(), before);
}

TEST_F(HttpsClientTest, RedirectsAreNotFollowed) {
  LoginHost target(pki_.Issue("target", "DNS:localhost"));
  for (const int status : {301, 302, 303, 307, 308}) {
    host_.AnswerWith({.status = status, .location = target.Url() + "/services/oauth2/token"});
    const auto answer = Post(host_.Url());
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->status, status);
    EXPECT_EQ(answer->location, target.Url() + "/services/oauth2/token");
  }
  EXPECT_TRUE(target.posted().empty());
}

TEST_F(HttpsClientTest, CookiesAreNotKept) {
  host_.AnswerWith({.headers = {{"Set-Cookie", "sid=1; Secure; Path=/"}}});
  EXPECT_TRUE(Get(host_.Url()).ok());
  EXPECT_TRUE(Get(host_.Url()).ok());
  EXPECT_EQ(host_.posted().at(1).headers.count("Cookie"), 0U);
}

TEST_F(HttpsClientTest, OptionsAreChecked) {
  const auto refused = [](HttpsClientOptions options) {
    return ReasonOf(HttpsClient::New(std::move(options)).status()) == "OPTIONS_INVALID";
  };
  EXPECT_TRUE(refused({.connect_timeout = absl::ZeroDuration()}));
  EXPECT_TRUE(refused({.total_timeout = absl::Seconds(-1)}));
  EXPECT_TRUE(refused({.max_response_bytes = 0}));
  EXPECT_TRUE(refused({.max_response_bytes = (16 << 20) + 1}));
  EXPECT_TRUE(refused({.proxy = "ftp://proxy"}));
  ASSERT_TRUE(WriteFile(pki_.File("empty.pem"), "nothing").ok());
  const absl::Status no_ca = HttpsClient::New({.ca_file = pki_.File("empty.pem")}).status();
  EXPECT_EQ(ReasonOf(no_ca), "OPTIONS_INVALID");
  EXPECT_EQ(no_ca.message(), pki_.File("empty.pem") + " holds no PEM certificate");
  EXPECT_EQ(HttpsClient::New({.ca_file = pki_.File("none.pem")}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace keyward::client
