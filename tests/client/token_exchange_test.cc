// Against a real HTTPS server in this process.
#include "client/token_exchange.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/client/login_host.h"
#include "tests/client/test_pki.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {
namespace {

using ::keyward::testing::CertificateFiles;
using ::keyward::testing::Granted;
using ::keyward::testing::LoginHost;
using ::keyward::testing::Reply;
using ::keyward::testing::TestPki;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJws[] = "aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJlX19fLQ";

class TokenExchangeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    // No proxy of the machine stands between the test and 127.0.0.1.
    setenv("no_proxy", "*", 1);
  }

  TokenExchangeTest() : host_(pki_.Issue("standin", "DNS:localhost,IP:127.0.0.1")) {
    options_.ca_file = pki_.ca();
    host_.AnswerWith(Granted());
  }

  absl::StatusOr<AccessToken> Exchange(const std::string& url,
                                       absl::Time deadline = absl::InfiniteFuture()) {
    auto exchange = TokenExchange::New(options_);
    if (!exchange.ok()) return exchange.status();
    return (*exchange)->Exchange(url, Secret(std::string(kJws)), deadline);
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
  TokenExchangeOptions options_;
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

TEST_F(TokenExchangeTest, ServesManyThreadsAtOnce) {
  const auto exchange = TokenExchange::New(options_).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back(
        [&] { EXPECT_TRUE(exchange->Exchange(host_.Url(), Secret(std::string(kJws))).ok()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(host_.posted().size(), 8U);
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

TEST_F(TokenExchangeTest, ReadsNoMoreThanTheLimit) {
  const Reply granted = Granted();
  options_.max_response_bytes = granted.body.size();
  host_.AnswerWith(granted);
  EXPECT_TRUE(Exchange(host_.Url()).ok());
  options_.max_response_bytes = granted.body.size() - 1;
  EXPECT_EQ(ReasonFor(granted), "RESPONSE_TOO_LARGE");
  options_.max_response_bytes = TokenExchangeOptions().max_response_bytes;
  EXPECT_EQ(ReasonFor(Granted(std::string(64 << 10, 'x'))), "RESPONSE_TOO_LARGE");
}

TEST_F(TokenExchangeTest, ATruncatedAnswerIsNotAnAnswer) {
  Reply cut = Granted();
  cut.announced_bytes = cut.body.size() + 1;
  host_.AnswerWith(cut);
  const absl::Status status = ErrorOf(host_.Url());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE");
}

TEST_F(TokenExchangeTest, TheTotalTimeLimitHoldsWhileBytesArrive) {
  Reply slow = Granted();
  slow.announced_bytes = slow.body.size() + 1;
  slow.hang = true;
  options_.total_timeout = absl::Milliseconds(300);
  host_.AnswerWith(slow);
  const absl::Status status = ErrorOf(host_.Url());
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_TIMEOUT");
}

TEST_F(TokenExchangeTest, TheCallersDeadlineHoldsToo) {
  Reply slow = Granted();
  slow.announced_bytes = slow.body.size() + 1;
  slow.hang = true;
  host_.AnswerWith(slow);
  options_.total_timeout = absl::Hours(1);
  EXPECT_EQ(ReasonOf(Exchange(host_.Url(), absl::Now() + absl::Milliseconds(300)).status()),
            "LOGIN_HOST_TIMEOUT");
}

TEST_F(TokenExchangeTest, NothingIsSentAfterTheDeadline) {
  EXPECT_EQ(Exchange(host_.Url(), absl::Now() - absl::Seconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(TokenExchangeTest, TheConnectTimeLimitHoldsInTheHandshake) {
  // Accepts into its backlog and never answers.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  socklen_t size = sizeof(address);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  options_.connect_timeout = absl::Milliseconds(300);
  options_.total_timeout = absl::Hours(1);
  const absl::Time start = absl::Now();
  EXPECT_EQ(ReasonOf(ErrorOf("https://127.0.0.1:" + std::to_string(ntohs(address.sin_port)))),
            "LOGIN_HOST_TIMEOUT");
  // Far from both the limit and libcurl's own 300 s.
  EXPECT_LT(absl::Now() - start, absl::Seconds(60));
  close(listener);
}

TEST_F(TokenExchangeTest, NobodyListens) {
  const absl::Status status = ErrorOf("https://127.0.0.1:" + std::to_string(testing::FreePort()));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE");
}

TEST_F(TokenExchangeTest, ACertificateByAnotherCaIsNotTrusted) {
  pki_.MakeCa("other");
  const LoginHost stranger(pki_.Issue("stranger", "DNS:localhost", "other"));
  EXPECT_EQ(ReasonOf(ErrorOf(stranger.Url())), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_TRUE(stranger.posted().empty());
}

TEST_F(TokenExchangeTest, TheSystemsCasDoNotKnowTheTestsOne) {
  options_.ca_file = "";
  EXPECT_EQ(ReasonOf(ErrorOf(host_.Url())), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(TokenExchangeTest, ACertificateForAnotherNameIsNotTrusted) {
  LoginHost elsewhere(pki_.Issue("elsewhere", "DNS:login.example"));
  elsewhere.AnswerWith(Granted());
  EXPECT_EQ(ReasonOf(ErrorOf(elsewhere.Url())), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_EQ(ReasonOf(ErrorOf(elsewhere.Url("127.0.0.1"))), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_TRUE(elsewhere.posted().empty());
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

TEST_F(TokenExchangeTest, OnlyAnHttpsOriginIsALoginUrl) {
  for (const std::string url :
       {"http://localhost", "localhost", "", "https://", "ftp://localhost", "file:///etc/passwd",
        "https://user:pw@localhost", "https://localhost/path", "https://localhost/?q=1",
        "https://localhost/#f", "https://local host", "https://localhost:99999",
        "https:localhost:x", "javascript:alert(1)"}) {
    const absl::Status status = ErrorOf(url);
    EXPECT_EQ(ReasonOf(status), "LOGIN_URL_INVALID") << url << ": " << status;
  }
  const absl::Status status = ErrorOf(host_.Url() + std::string("\0.evil.example", 14));
  EXPECT_EQ(ReasonOf(status), "LOGIN_URL_INVALID");
}

TEST_F(TokenExchangeTest, OnlyACompactJwsIsSent) {
  const auto exchange = TokenExchange::New(options_).value();
  for (const char* text : {"", "a.b", "a.b.c.d", "..", "a.b.c&scope=full", "a.b.c\n", "a b.c.d"}) {
    const absl::Status status = exchange->Exchange(host_.Url(), Secret(std::string(text))).status();
    EXPECT_EQ(ReasonOf(status), "ASSERTION_MALFORMED") << text;
  }
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(TokenExchangeTest, OptionsAreChecked) {
  const auto refused = [](const TokenExchangeOptions& options) {
    return ReasonOf(TokenExchange::New(options).status()) == "OPTIONS_INVALID";
  };
  EXPECT_TRUE(refused({.connect_timeout = absl::ZeroDuration()}));
  EXPECT_TRUE(refused({.total_timeout = absl::Seconds(-1)}));
  EXPECT_TRUE(refused({.max_response_bytes = 0}));
  EXPECT_TRUE(refused({.max_response_bytes = (16 << 20) + 1}));
  ASSERT_TRUE(WriteFile(pki_.File("empty.pem"), "nothing").ok());
  EXPECT_TRUE(refused({.ca_file = pki_.File("empty.pem")}));
  EXPECT_EQ(TokenExchange::New({.ca_file = pki_.File("none.pem")}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace keyward::client
