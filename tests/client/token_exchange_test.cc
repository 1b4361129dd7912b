// Against a real HTTPS server in this process.
#include "client/token_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "tests/client/login_host.h"
#include "tests/client/test_pki.h"

namespace keyward::client {
namespace {

using ::keyward::testing::Granted;
using ::keyward::testing::LoginHost;
using ::keyward::testing::Reply;
using ::keyward::testing::TestPki;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJws[] = "aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJlX19fLQ";

class TokenExchangeTest : public ::testing::Test {
 protected:
  TokenExchangeTest() : host_(pki_.Issue("standin", "DNS:localhost"), testing::KeepAlive::kYes) {
    options_.ca_file = pki_.ca();
    // No proxy of the machine stands between the test and 127.0.0.1.
    options_.proxy = "";
    options_.hosts = LoginHosts::New({.private_hosts = {"localhost"}}).value();
    host_.AnswerWith(Granted());
  }

  // The one that the first call makes with options_.
  TokenExchange& exchange() {
    if (exchange_ == nullptr) {
      exchange_ = TokenExchange::New(HttpsClient::New(options_).value()).value();
    }
    return *exchange_;
  }

  absl::StatusOr<AccessToken> Exchange(const std::string& url,
                                       absl::Time deadline = absl::InfiniteFuture(),
                                       HttpsTimes* times = nullptr) {
    return exchange().Exchange(url, Secret(std::string(kJws)), deadline, times);
  }

  // The error of an exchange, which never holds the assertion or the token.
  absl::Status ErrorOf(const std::string& url) {
    const absl::Status status = Exchange(url).status();
    EXPECT_THAT(status.ToString(), Not(HasSubstr("c2lnbmF0dXJl")));
    EXPECT_THAT(status.ToString(), Not(HasSubstr("AQ0AQ")));
    return status;
  }

  std::optional<std::string> ReasonFor(const Reply& reply) {
    host_.AnswerWith(reply);
    return ReasonOf(ErrorOf(host_.Url()));
  }

  const TestPki pki_;
  LoginHost host_;
  HttpsClientOptions options_;

 private:
  std::unique_ptr<TokenExchange> exchange_;
};

TEST_F(TokenExchangeTest, PostsTheFormAndReadsTheToken) {
  const auto granted = Exchange(host_.Url());
  ASSERT_TRUE(granted.ok()) << granted.status();
  EXPECT_EQ(granted->token.Expose(), "00Dxx!AQ0AQ.token");
  EXPECT_EQ(granted->instance_url, "https://acme.my.salesforce.com");
  EXPECT_EQ(granted->scope, "api refresh_token");
  ASSERT_EQ(host_.posted().size(), 1U);
  const auto posted = host_.posted()[0];
  EXPECT_EQ(posted.path, "/services/oauth2/token");
  EXPECT_EQ(posted.content_type, "application/x-www-form-urlencoded");
  const std::map<std::string, std::string> form = {
      {"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", kJws}};
  EXPECT_EQ(posted.form, form);
}

TEST_F(TokenExchangeTest, ASlashAfterTheHostChangesNothing) {
  EXPECT_TRUE(Exchange(host_.Url() + "/").ok());
  EXPECT_EQ(host_.posted()[0].path, "/services/oauth2/token");
}

TEST_F(TokenExchangeTest, ServesManyThreadsAtOnceOverKeptConnections) {
  exchange();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(Exchange(host_.Url()).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(host_.posted().size(), 8U);
  HttpsTimes times;
  EXPECT_TRUE(Exchange(host_.Url(), absl::InfiniteFuture(), &times).ok());
  EXPECT_TRUE(times.reused);
  EXPECT_GT(times.total, absl::ZeroDuration());
}

TEST_F(TokenExchangeTest, SaysHowLongARefusalTook) {
  host_.AnswerWith({.status = 400, .body = R"({"error":"invalid_grant"})"});
  HttpsTimes times;
  EXPECT_FALSE(Exchange(host_.Url(), absl::InfiniteFuture(), &times).ok());
  EXPECT_GT(times.total, absl::ZeroDuration());
}

TEST_F(TokenExchangeTest, ATokenThatSaysHowLongItLivesIsBelieved) {
  host_.AnswerWith(
      Granted(absl::StrCat(absl::WebSafeBase64Escape(R"({"alg":"RS256"})"), ".",
                           absl::WebSafeBase64Escape(R"({"exp":1700000000})"), ".c2ln")));
  EXPECT_EQ(Exchange(host_.Url())->expires, absl::FromUnixSeconds(1700000000));
  host_.AnswerWith(Granted());
  EXPECT_FALSE(Exchange(host_.Url())->expires.has_value());
}

TEST_F(TokenExchangeTest, RetryAfterIsPassedOn) {
  host_.AnswerWith({.status = 503, .headers = {{"Retry-After", "120"}}});
  const absl::Status status = ErrorOf(host_.Url());
  EXPECT_EQ(ReasonOf(status), "SALESFORCE_TRANSIENT");
  EXPECT_EQ(RetryDelayOf(status), absl::Minutes(2));
}

TEST_F(TokenExchangeTest, PassesSalesforcesRefusalOn) {
  EXPECT_EQ(ReasonFor({.status = 400,
                       .body = R"({"error":"invalid_grant","error_description":"ip restricted"})"}),
            "IP_RESTRICTED");
}

TEST_F(TokenExchangeTest, RefusesWhatIsNotAnAnswerOfSalesforce) {
  EXPECT_EQ(ReasonFor({.body = "<html>AQ0AQ</html>"}), "RESPONSE_MALFORMED");
  EXPECT_EQ(ReasonFor({.body = R"({"access_token":17})"}), "RESPONSE_MALFORMED");
  EXPECT_EQ(ReasonFor({.status = 404, .body = "not here"}), "RESPONSE_MALFORMED");
  EXPECT_EQ(ReasonFor({.status = 503, .body = "busy"}), "SALESFORCE_TRANSIENT");
}

TEST_F(TokenExchangeTest, TheCallersDeadlineHoldsToo) {
  Reply slow = Granted();
  slow.announced_bytes = slow.body.size() + 1;
  slow.hang = true;
  host_.AnswerWith(slow);
  EXPECT_EQ(ReasonOf(Exchange(host_.Url(), absl::Now() + absl::Milliseconds(300)).status()),
            "LOGIN_HOST_TIMEOUT");
}

TEST_F(TokenExchangeTest, NothingIsSentAfterTheDeadline) {
  EXPECT_EQ(Exchange(host_.Url(), absl::Now() - absl::Seconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(TokenExchangeTest, RedirectsAreNamedAndNotFollowed) {
  LoginHost target(pki_.Issue("target", "DNS:localhost"));
  target.AnswerWith(Granted());
  for (const int status : {301, 302, 307, 308}) {
    host_.AnswerWith({.status = status, .location = target.Url() + "/services/oauth2/token"});
    const absl::Status error = ErrorOf(host_.Url());
    EXPECT_EQ(ReasonOf(error), "LOGIN_HOST_REDIRECTS");
    EXPECT_THAT(std::string(error.message()), HasSubstr(target.Url()));
  }
  EXPECT_TRUE(target.posted().empty());
}

TEST_F(TokenExchangeTest, OnlyTheOriginOfALoginHostIsALoginUrl) {
  for (const std::string url : {"http://localhost", "", "https://user:pw@localhost",
                                "https://localhost/path", "https://localhost/?q=1"}) {
    EXPECT_EQ(ReasonOf(ErrorOf(url)), "LOGIN_URL_INVALID") << url;
  }
  EXPECT_EQ(ReasonOf(ErrorOf(host_.Url("127.0.0.1"))), "LOGIN_HOST_NOT_ALLOWED");
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(TokenExchangeTest, NeedsAClient) {
  EXPECT_EQ(ReasonOf(TokenExchange::New(nullptr).status()), "OPTIONS_INVALID");
}

TEST_F(TokenExchangeTest, OnlyACompactJwsIsSent) {
  for (const char* text : {"", "a.b", "a.b.c.d", "..", "a.b.c&scope=full", "a.b.c\n", "a b.c.d"}) {
    const absl::Status status =
        exchange().Exchange(host_.Url(), Secret(std::string(text))).status();
    EXPECT_EQ(ReasonOf(status), "ASSERTION_MALFORMED") << text;
  }
  EXPECT_TRUE(host_.posted().empty());
}

}  // namespace
}  // namespace keyward::client
