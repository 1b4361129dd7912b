// The real login: a real signer, a real TLS connection, the stand-in for Salesforce.
#include "client/tokens/signer_login.h"

#include <cstdlib>

#include "client/tokens/thread_scheduler.h"
#include "common/file.h"
#include "tests/client/login_host.h"
#include "tests/client/tokens/tokens_fixture.h"
#include "tests/standin/testing/standin_process.h"
#include "tests/testing/signer_process.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;

constexpr char kSubject[] = "user@acme.example";
constexpr char kWrongAudience[] = "https://wrong.my.salesforce.com";
constexpr char kRightAudience[] = "https://login.salesforce.com";

class SignerLoginTest : public ::testing::Test {
 protected:
  SignerLoginTest() : host_(pki_.Issue("host", "DNS:localhost,IP:127.0.0.1")) {
    // No proxy of the machine stands between the test and 127.0.0.1.
    setenv("no_proxy", "*", 1);
    EXPECT_TRUE(signer_.Start());
    const std::string key = standin_->CreateApp(
        {{"name", "acme"}, {"users", {kSubject}}, {"scopes", {"api", "refresh_token"}}});
    Keyward({"connection", "create", "acme", "--environment", "custom", "--login-url",
             standin_->origin(), "--audience", kWrongAudience, "--audience", kRightAudience,
             "--subject", kSubject, "--consumer-key", key});
    Keyward({"certificate", "download", "acme", "--out", signer_.File("acme.pem")});
    EXPECT_EQ(standin_->UploadCertificate(key, ReadFile(signer_.File("acme.pem")).value()), 204);
    client_ = SignerClient::New({.signers = {signer_.address()},
                                 .ca_file = signer_.File("pki/ca.pem"),
                                 .certificate_file = signer_.File("pki/backend.pem"),
                                 .private_key_file = signer_.File("pki/backend.key")})
                  .value();
    acme_ = client_->GetConnection("acme").value();
    exchange_ = Exchange(standin_->ca_file());
  }

  void Keyward(const std::vector<std::string>& arguments) {
    const testing::Finished finished = signer_.Keyward(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  }

  static std::shared_ptr<TokenExchange> Exchange(const std::string& ca_file) {
    HttpsClientOptions options;
    options.ca_file = ca_file;
    options.hosts = LoginHosts::New({.private_hosts = {"127.0.0.1", "localhost"}}).value();
    return TokenExchange::New(HttpsClient::New(options).value()).value();
  }

  void UseBudget(int burst) { budget_ = LoginBudget::New({.per_hour = 1, .burst = burst}).value(); }

  SignerLogin Login() {
    return SignerLogin({.signer = [this] { return client_; },
                        .exchange = exchange_,
                        .budget = budget_,
                        .circuits = circuits_});
  }

  absl::StatusOr<LoginResult> Run(SignerLogin& login) {
    times_ = {};
    return login.Run(
        {.connection = std::make_shared<const v1::Connection>(acme_), .subject = kSubject},
        absl::Now() + absl::Minutes(1), &times_);
  }

  // POSTs that the stand-in has seen at its token endpoint.
  size_t Posts() const {
    const auto journal = standin_->AdminClient().Get("/journal");
    return nlohmann::json::parse(journal->body).size();
  }

  testing::SignerProcess signer_;
  std::unique_ptr<testing::StandinProcess> standin_ = testing::StandinProcess::Start();
  const testing::TestPki pki_;
  testing::LoginHost host_;
  v1::Connection acme_;
  std::shared_ptr<SignerClient> client_;
  std::shared_ptr<TokenExchange> exchange_;
  std::shared_ptr<LoginBudget> budget_ = LoginBudget::New({}).value();
  std::shared_ptr<CircuitBreaker> circuits_ =
      CircuitBreaker::New(
          {.failures = 2, .first_open = absl::Hours(1), .longest_open = absl::Hours(1)})
          .value();
  LoginTimes times_;
};

TEST_F(SignerLoginTest, TriesTheNextAudienceAndRemembersWhichWorked) {
  SignerLogin login = Login();
  const auto first = Run(login);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->audience, kRightAudience);
  EXPECT_FALSE(first->granted.token.empty());
  EXPECT_EQ(times_.posts, 2);
  EXPECT_GT(times_.signer, absl::ZeroDuration());
  EXPECT_GT(times_.network, absl::ZeroDuration());
  ASSERT_TRUE(Run(login).ok());
  EXPECT_EQ(times_.posts, 1);
  // A changed connection begins with its first again.
  acme_.set_etag("another");
  ASSERT_TRUE(Run(login).ok());
  EXPECT_EQ(times_.posts, 2);
}

TEST_F(SignerLoginTest, EveryPostTakesFromTheBudget) {
  UseBudget(3);
  SignerLogin login = Login();
  ASSERT_TRUE(Run(login).ok());
  ASSERT_TRUE(Run(login).ok());
  EXPECT_THAT(Run(login), FailsWith(absl::StatusCode::kResourceExhausted, "LOGIN_BUDGET_SPENT"));
  EXPECT_EQ(times_.posts, 0);
  EXPECT_EQ(times_.signer, absl::ZeroDuration());
  EXPECT_EQ(Posts(), 3U);
}

TEST_F(SignerLoginTest, WhatTheSignerRefusesCostsNoLogin) {
  UseBudget(2);
  SignerLogin login = Login();
  const std::string key = std::exchange(*acme_.mutable_consumer_key(), "another");
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(Run(login), FailsWith(absl::StatusCode::kPermissionDenied, "CLAIMS_ISS_MISMATCH"));
  }
  acme_.set_consumer_key(key);
  EXPECT_TRUE(Run(login).ok());
}

TEST_F(SignerLoginTest, AHostThatDoesNotAnswerIsLeftAlone) {
  SignerLogin login = Login();
  standin_ = nullptr;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Run(login), FailsWith(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE"));
  }
  EXPECT_THAT(Run(login), FailsWith(absl::StatusCode::kUnavailable, "LOGIN_HOST_CIRCUIT_OPEN"));
  EXPECT_EQ(times_.posts, 0);
}

TEST_F(SignerLoginTest, AnExpiredAssertionIsMadeAnewOnce) {
  host_.AnswerWith({.status = 400,
                    .body = R"({"error":"invalid_grant",)"
                            R"("error_description":"expired authorization code"})"});
  acme_.set_login_url(host_.Url());
  exchange_ = Exchange(pki_.ca());
  SignerLogin login = Login();
  EXPECT_THAT(Run(login), FailsWith(absl::StatusCode::kFailedPrecondition, "ASSERTION_EXPIRED"));
  EXPECT_EQ(times_.posts, 2);
  EXPECT_EQ(host_.posted().size(), 2U);
}

TEST_F(SignerLoginTest, AnAccessTokenInOneCall) {
  auto connections =
      ConnectionDirectory::New({}, [this](const std::string& name, absl::Time deadline) {
        return client_->GetConnection(name, deadline);
      });
  const auto tokens =
      AccessTokens::New({.scheduler = ThreadScheduler::New(4).value(),
                         .login = std::make_shared<SignerLogin>(SignerLoginParts{
                             [this] { return client_; }, exchange_, budget_, circuits_}),
                         .connections = *std::move(connections)},
                        {})
          .value();
  const auto token = tokens->Get({.connection = "acme"}, absl::Now() + absl::Minutes(1));
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(tokens->Find({.connection = "acme", .subject = kSubject}), *token);
  EXPECT_EQ(Posts(), 2U);
  const auto renewed = tokens->Get(
      {.connection = "acme", .rejected = Secret(std::string((*token)->granted.token.Expose()))},
      absl::Now() + absl::Minutes(1));
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_NE((*renewed)->granted.token.Expose(), (*token)->granted.token.Expose());
  EXPECT_EQ(Posts(), 3U);
  EXPECT_THAT(tokens->Get({.connection = "unknown"}, absl::Now() + absl::Minutes(1)),
              FailsWith(absl::StatusCode::kPermissionDenied, "NOT_ALLOWED"));
}

}  // namespace
}  // namespace keyward::client
