// keyward-exchange with a real signer and the stand-in: what a backend service sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/salesforce_error.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/e2e_exchange/exchange_system.h"
#include "tests/testing/code_and_reason.h"

namespace keyward::e2e {
namespace {

using client::ExchangedToken;
using testing::CodeAndReason;
using ::testing::HasSubstr;
using ::testing::Not;

class ExchangeTest : public ::testing::Test {
 protected:
  ExchangeTest() {
    if (!system_.Start()) ADD_FAILURE() << system_.daemon().Output();
  }

  std::string Token(const client::ExchangeOptions& options = {}) {
    const absl::StatusOr<ExchangedToken> token = Client().Exchange("acme", options);
    EXPECT_TRUE(token.ok()) << token.status() << system_.daemon().Output();
    return token.ok() ? std::string(token->granted.token.Expose()) : "";
  }

  // What the API says to a call with `token`.
  int ApiStatus(const std::string& token) const {
    const auto answer = system_.standin().Client()->Get(
        "/services/data/v62.0/", httplib::Headers{{"Authorization", "Bearer " + token}});
    return answer ? answer->status : -1;
  }

  client::ExchangeClient& Client() {
    if (client_ == nullptr) client_ = system_.Client();
    return *client_;
  }

  ExchangeSystem system_;
  std::unique_ptr<client::ExchangeClient> client_;
};

TEST_F(ExchangeTest, GivesATokenThatTheApiTakesAndKeepsIt) {
  const absl::StatusOr<ExchangedToken> first = Client().Exchange("acme");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(ApiStatus(std::string(first->granted.token.Expose())), 200);
  EXPECT_EQ(first->granted.instance_url, system_.standin().origin());
  EXPECT_THAT(first->granted.id, HasSubstr("/id/"));
  EXPECT_EQ(first->granted.scope, "api refresh_token");
  EXPECT_GT(first->expire_time, absl::Now() + absl::Minutes(30));
  EXPECT_LT(first->expire_time, absl::Now() + absl::Hours(1) + absl::Seconds(1));

  EXPECT_EQ(Token(), first->granted.token.Expose());
  // A subject that is the connection's only one shares the entry.
  EXPECT_EQ(Token({.subject = kUser}), first->granted.token.Expose());
  EXPECT_EQ(system_.LoginAttempts(), 1);
}

TEST_F(ExchangeTest, ARejectedTokenIsReplacedOnceForAll) {
  const std::string dead = Token();
  system_.standin().Admin("DELETE", "/sessions");
  EXPECT_EQ(ApiStatus(dead), 401);
  std::vector<std::string> tokens(50);
  std::vector<std::thread> callers;
  for (std::string& token : tokens) {
    callers.emplace_back([&] {
      const auto client = system_.Client();
      const auto got = client->Exchange("acme", {.rejected = Secret(std::string(dead))});
      if (got.ok()) token = std::string(got->granted.token.Expose());
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ApiStatus(tokens[0]), 200);
  for (const std::string& token : tokens) EXPECT_EQ(token, tokens[0]);
  EXPECT_EQ(system_.Logins(), 2);
}

TEST_F(ExchangeTest, SaysWhatToChangeWhenSalesforceRefuses) {
  system_.standin().Admin("PUT", absl::StrCat("/apps/", system_.consumer_key(), "/users"),
                          nlohmann::json::array());
  for (int call = 0; call < 3; ++call) {
    const absl::Status refused = Client().Exchange("acme").status();
    EXPECT_EQ(CodeAndReason(refused), "PERMISSION_DENIED USER_NOT_APPROVED");
    EXPECT_THAT(std::string(refused.message()), HasSubstr("Permitted Users"));
    const auto said = client::SalesforceErrorOf(refused);
    ASSERT_TRUE(said.has_value());
    EXPECT_EQ(said->error, "invalid_grant");
    EXPECT_EQ(said->description, "user hasn't approved this consumer");
  }
  // Remembered: three callers, one try.
  EXPECT_EQ(system_.LoginAttempts(), 1);
}

TEST_F(ExchangeTest, TriesAgainWhileACallerWaits) {
  system_.standin().Fault(testing::kTokenEndpoint, "status", 2, {{"status", 503}});
  EXPECT_EQ(ApiStatus(Token()), 200);
  EXPECT_EQ(system_.LoginAttempts(), 3);
}

TEST_F(ExchangeTest, WhoHasNoRoleGetsNothing) {
  const auto stranger = testing::Run({absl::StrCat(KEYWARD_SOURCE_DIR, "/scripts/dev-pki"),
                                      "--client", "stranger", system_.signer().File("pki")});
  ASSERT_EQ(stranger.exit_code, 0) << stranger.err;
  Token();
  const auto client = system_.Client("stranger");
  EXPECT_EQ(CodeAndReason(client->Exchange("acme").status()), "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(client->TestConnection("acme").status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  // The backend's role names acme alone; whether there is another is not told.
  system_.AddConnection("other");
  EXPECT_EQ(CodeAndReason(Client().Exchange("other").status()), "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(Client().Exchange("absent").status()), "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(system_.Client("operator")->Exchange("absent").status()),
            "NOT_FOUND CONNECTION_NOT_FOUND");
  EXPECT_EQ(system_.LoginAttempts(), 1);
}

// The signer's policy with another role for keyward-exchange.
class SignerRefusesTest : public ExchangeTest {
 protected:
  void AllowExchange(absl::string_view connections, absl::string_view operations) {
    testing::SignerProcess& signer = system_.signer();
    const std::string address = signer.address();
    EXPECT_EQ(signer.Stop(), 0);
    // One of its own: the file beside it is keyward-exchange's too, which takes changes up.
    signer.Write("signer-policy.yaml",
                 absl::StrCat(R"(roles:
  - name: operators
    identities: ["spiffe://keyward.example/operator"]
    connections: ["*"]
    operations: [sign, view, manage-connections, rotate, destroy, exchange]
  - name: exchange
    identities: ["spiffe://keyward.example/exchange"]
    connections: [)",
                              connections, "]\n    operations: [", operations, "]\n"));
    signer.Write("signer.yaml",
                 testing::Replaced(testing::Replaced(signer.DefaultConfig(), "listen: 127.0.0.1:0",
                                                     absl::StrCat("listen: ", address)),
                                   "policy.yaml", "signer-policy.yaml"));
    EXPECT_TRUE(signer.Start()) << signer.daemon().Output();
  }

  void ExpectRefusal(const absl::Status& status) {
    EXPECT_EQ(CodeAndReason(status), "FAILED_PRECONDITION SIGNER_REFUSES_EXCHANGE");
    EXPECT_THAT(std::string(status.message()), HasSubstr("keyward-exchange's identity"));
  }
};

TEST_F(SignerRefusesTest, TellsCallersThatItIsNotTheirRole) {
  AllowExchange("other", "sign, view");
  ExpectRefusal(Client().Exchange("acme").status());
  ExpectRefusal(Client().Exchange("acme").status());
  ExpectRefusal(Client().TestConnection("acme").status());
  EXPECT_THAT(system_.daemon().Output(), HasSubstr("asked for acme: NOT_ALLOWED"));

  AllowExchange("\"*\"", "view");
  const absl::Time end = absl::Now() + kPatience;
  // Until it is forgotten that not even the settings may be seen.
  absl::Status status;
  do {
    status = Client().Exchange("acme").status();
  } while (!absl::StrContains(system_.daemon().Output(), "no login to acme") && absl::Now() < end);
  ExpectRefusal(status);
  const auto report = Client().TestConnection("acme");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->diagnosis().reason(), "SIGNER_REFUSES_EXCHANGE");
  EXPECT_THAT(report->diagnosis().meaning(), HasSubstr("keyward-exchange's role"));
  EXPECT_THAT(report->diagnosis().steps(1), HasSubstr("view and sign on acme"));
}

TEST_F(ExchangeTest, SaysNothingOfWhereTheSignerIs) {
  const std::string signer = system_.signer().address();
  system_.signer().Stop();
  const absl::Status tested = Client().TestConnection("acme").status();
  EXPECT_EQ(CodeAndReason(tested), "UNAVAILABLE SIGNER_UNAVAILABLE");
  const absl::Status late =
      Client().Exchange("acme", {.deadline = absl::Now() + absl::Seconds(2)}).status();
  for (const absl::Status& status : {tested, late}) {
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr(signer))) << status;
  }
  EXPECT_THAT(system_.daemon().Output(), HasSubstr(signer));
}

TEST_F(ExchangeTest, RefusesWhatIsMalformed) {
  EXPECT_EQ(CodeAndReason(Client().Exchange("Acme/../x").status()),
            "INVALID_ARGUMENT CONNECTION_NAME_INVALID");
  EXPECT_EQ(CodeAndReason(Client().Exchange("acme", {.subject = std::string(256, 'u')}).status()),
            "INVALID_ARGUMENT REQUEST_INVALID");
  EXPECT_EQ(
      CodeAndReason(Client()
                        .Exchange("acme", {.rejected = Secret(std::string((16 << 10) + 1, 't'))})
                        .status()),
      "INVALID_ARGUMENT REQUEST_INVALID");
  EXPECT_EQ(CodeAndReason(Client().Exchange("acme", {.subject = "someone@else"}).status()),
            "PERMISSION_DENIED SUBJECT_NOT_ALLOWED");
  EXPECT_EQ(system_.LoginAttempts(), 0);
}

TEST_F(ExchangeTest, TheSignersAuditLogSaysForWhomAndInWhichTrace) {
  constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
  Token({.traceparent = absl::StrCat("00-", kTrace, "-00f067aa0ba902b7-01")});
  const std::string log = ReadFile(system_.signer().File("audit.jsonl")).value_or("");
  const size_t at = log.find(R"("method":"Sign")");
  ASSERT_NE(at, std::string::npos);
  const std::string line = log.substr(log.rfind('\n', at) + 1, log.find('\n', at) - at + 1000);
  EXPECT_THAT(line, HasSubstr(R"("identity":"spiffe://keyward.example/exchange")"));
  EXPECT_THAT(line, HasSubstr(R"("on_behalf_of":"spiffe://keyward.example/backend")"));
  EXPECT_THAT(line, HasSubstr(absl::StrCat(R"("trace_id":")", kTrace, "\"")));
}

TEST_F(ExchangeTest, ATestLeavesTheCacheAndOtherSessionsAlone) {
  const std::string cached = Token();
  const absl::StatusOr<v1::TestConnectionResponse> report = Client().TestConnection("acme");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->verified()) << report->DebugString();
  EXPECT_EQ(report->summary(), "Connection verified.");
  EXPECT_EQ(system_.Logins(), 2);
  EXPECT_EQ(Token(), cached);
  EXPECT_EQ(ApiStatus(cached), 200);
}

TEST_F(ExchangeTest, AConnectionUnderTestKeepsNobodyElseFromTesting) {
  system_.AddConnection("other");
  system_.standin().Fault("*", "latency", 1, {{"milliseconds", 3000}});
  absl::Status first = absl::UnknownError("not called");
  std::thread slow([&] { first = system_.Client()->TestConnection("acme").status(); });
  const std::string audit = system_.signer().File("audit.jsonl");
  const absl::Time end = absl::Now() + kPatience;
  // Nothing but a test asks for this.
  while (!absl::StrContains(ReadFile(audit).value_or(""), "InspectKeyVersion") &&
         absl::Now() < end) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_EQ(CodeAndReason(Client().TestConnection("acme").status()),
            "RESOURCE_EXHAUSTED TOO_MANY_TESTS");
  EXPECT_EQ(CodeAndReason(system_.Client("operator")->TestConnection("other").status()), "OK");
  slow.join();
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_EQ(CodeAndReason(Client().TestConnection("acme").status()), "OK");
}

TEST_F(ExchangeTest, AVerifiedTestEndsARememberedRefusal) {
  system_.standin().Refuse("invalid-assertion", 1);
  EXPECT_EQ(CodeAndReason(Client().Exchange("acme").status()),
            "FAILED_PRECONDITION INVALID_ASSERTION");
  EXPECT_EQ(CodeAndReason(Client().Exchange("acme").status()),
            "FAILED_PRECONDITION INVALID_ASSERTION");
  EXPECT_EQ(system_.LoginAttempts(), 1);
  const absl::StatusOr<v1::TestConnectionResponse> report = Client().TestConnection("acme");
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->verified()) << report->DebugString();
  EXPECT_EQ(ApiStatus(Token()), 200);
}

TEST_F(ExchangeTest, NothingSecretIsInTheLog) {
  const std::string first = Token();
  system_.standin().Admin("DELETE", "/sessions");
  const std::string second = Token({.rejected = Secret(std::string(first))});
  EXPECT_EQ(system_.Stop(), 0);
  const std::string log = system_.daemon().Output();
  EXPECT_THAT(log, HasSubstr("logged in to acme as user@example.com, for "
                             "spiffe://keyward.example/backend"));
  EXPECT_THAT(log, Not(HasSubstr(first)));
  EXPECT_THAT(log, Not(HasSubstr(second)));
  EXPECT_THAT(log, Not(HasSubstr("eyJ")));
}

}  // namespace
}  // namespace keyward::e2e
