// Connections that work, more or less.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/claims_for_connection.h"
#include "client/token_exchange.h"
#include "common/error.h"
#include "tests/client/test_connection/run_fixture.h"

namespace keyward::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RunTest : public RunFixture {
 protected:
  int64_t SignRecords() const {
    const std::string records =
        testing::Run({"grep", "-c", "\"method\":\"Sign\"", signer_.File("audit.jsonl")}).out;
    return std::stoll(records);
  }

  // An access token of somebody else's login.
  AccessToken LogIn() {
    const v1::Connection acme = client_->GetConnection("acme").value();
    const std::string claims = ClaimsFor(acme, {}).value();
    const Assertion assertion = client_->Sign("acme", claims).value();
    const std::shared_ptr<HttpsClient> https(std::shared_ptr<void>(), https_.get());
    const auto exchange = TokenExchange::New(https).value();
    return exchange->Exchange(acme.login_url(), assertion.jws).value();
  }

  int UserInfo(const AccessToken& token) {
    HttpsRequest request;
    request.url = token.instance_url + "/services/oauth2/userinfo";
    request.bearer = &token.token;
    return https_->Send(request)->status;
  }
};

TEST_F(RunTest, AConnectionThatWorksIsVerified) {
  const v1::TestConnectionResponse report = Test();
  EXPECT_THAT(Steps(report),
              ElementsAre("SETTINGS PASSED", "KEY PASSED", "CERTIFICATE PASSED",
                          "LOGIN_HOST PASSED", "TLS PASSED", "CLOCK PASSED", "SIGN PASSED",
                          "EXCHANGE PASSED", "API_CALL PASSED", "SCOPES PASSED"));
  EXPECT_TRUE(report.verified());
  EXPECT_EQ(report.summary(), "Connection verified.");
  EXPECT_FALSE(report.has_diagnosis());
  EXPECT_EQ(report.audience(), kProduction);
  EXPECT_THAT(report.steps(0).detail(), HasSubstr(kUser));
  EXPECT_GT(report.steps(7).duration().nanos(), 0);
}

TEST_F(RunTest, EachTestLogsInAnewAndOtherSessionsLive) {
  const AccessToken token = LogIn();
  ASSERT_EQ(standin_->Admin("GET", "/sessions").size(), 1U);
  EXPECT_TRUE(Test().verified());
  const v1::TestConnectionResponse second = Test();
  EXPECT_TRUE(second.verified());
  // A whole handshake though a connection is kept.
  ASSERT_EQ(second.steps(4).kind(), v1::TestStep::TLS);
  EXPECT_GT(second.steps(4).duration().nanos(), 0);
  EXPECT_EQ(standin_->Admin("GET", "/sessions").size(), 3U);
  EXPECT_EQ(standin_->Count(testing::kTokenEndpoint, "ok"), 3);
  EXPECT_EQ(standin_->Count("/services/oauth2/revoke"), 0);
  EXPECT_EQ(UserInfo(token), 200);
}

TEST_F(RunTest, TheAudienceThatWorksIsPutFirst) {
  ChangeApp({{"audiences", {standin_->origin()}}});
  v1::TestConnectionResponse report = Test();
  EXPECT_TRUE(report.verified());
  EXPECT_FALSE(report.has_diagnosis());
  EXPECT_EQ(report.audience(), standin_->origin());
  EXPECT_THAT(Steps(report), Contains("EXCHANGE FAILED INVALID_AUDIENCE"));
  EXPECT_EQ(report.steps_size(), 12);
  EXPECT_THAT(report.steps(9).detail(), HasSubstr("It is the connection's first one now."));
  EXPECT_THAT(client_->GetConnection("acme")->audiences(),
              ElementsAre(standin_->origin(), kProduction));
  report = Test();
  EXPECT_EQ(report.steps_size(), 10);
  EXPECT_EQ(report.audience(), standin_->origin());
}

TEST_F(RunTest, OtherRefusalsThatAWrongAudienceGetsLeadToTheNextToo) {
  for (const char* word : {"not-approved", "app-not-found", "audience-validation-failed"}) {
    SCOPED_TRACE(word);
    standin_->Refuse(word, 1);
    const v1::TestConnectionResponse report = Test();
    EXPECT_TRUE(report.verified());
    EXPECT_EQ(report.steps_size(), 12);
  }
  // Another audience doesn't help here, and each login counts.
  standin_->Admin("DELETE", "/journal");
  standin_->Refuse("inactive-user", 1);
  ExpectDiagnosis("USER_INACTIVE", v1::TestStep::EXCHANGE);
  EXPECT_EQ(standin_->Count(testing::kTokenEndpoint), 1);
}

TEST_F(RunTest, ScopesThatAreMissingAreNamed) {
  ChangeApp({{"scopes", {"api"}}});
  v1::TestConnectionResponse report = Test();
  EXPECT_TRUE(report.verified());
  EXPECT_THAT(Steps(report), Contains("SCOPES WARNING"));
  EXPECT_EQ(report.diagnosis().reason(), "SCOPES_MISSING");
  EXPECT_THAT(report.diagnosis().meaning(), HasSubstr("Missing: refresh_token, offline_access."));
  ChangeApp({{"scopes", {"refresh_token"}}});
  // userinfo takes the token, but no other call does.
  report = ExpectDiagnosis("SCOPES_MISSING", v1::TestStep::SCOPES);
  EXPECT_THAT(Steps(report), Contains("API_CALL PASSED"));
  EXPECT_THAT(report.diagnosis().meaning(), HasSubstr("Missing: api."));
  // Where the API minds, that is why.
  standin_->Fault("/services/oauth2/userinfo", "status", 1, {{"status", 403}, {"body", "{}"}});
  report = ExpectDiagnosis("SCOPES_MISSING", v1::TestStep::SCOPES);
  EXPECT_THAT(Steps(report), Contains("API_CALL FAILED API_ACCESS_DENIED"));
}

TEST_F(RunTest, AnExpiredCertificateIsSuspectedOnlyWhereTheAssertionIsRefused) {
  // The clock jumps only for the look at the certificate, the second one.
  const absl::Time later =
      client_->GetCertificate("acme")->not_after().seconds() > 0
          ? absl::FromUnixSeconds(client_->GetCertificate("acme")->not_after().seconds()) +
                absl::Hours(1)
          : absl::InfiniteFuture();
  int looks = 0;
  now_ = [&] { return ++looks == 2 ? later : absl::Now(); };
  v1::TestConnectionResponse report = Test();
  EXPECT_TRUE(report.verified());
  EXPECT_THAT(Steps(report), Contains("CERTIFICATE WARNING"));
  EXPECT_EQ(report.diagnosis().reason(), "CERTIFICATE_EXPIRED");
  looks = 0;
  standin_->Refuse("invalid-assertion");
  report = ExpectDiagnosis("CERTIFICATE_EXPIRED", v1::TestStep::EXCHANGE);
  EXPECT_THAT(Steps(report), Contains("EXCHANGE FAILED INVALID_ASSERTION"));
}

TEST_F(RunTest, TheLoginBudgetIsAskedBeforeEachLogin) {
  std::vector<std::string> asked;
  take_login_ = [&](const std::string& connection, const std::string& subject) {
    asked.push_back(absl::StrCat(connection, " ", subject));
    return absl::OkStatus();
  };
  ChangeApp({{"audiences", {standin_->origin()}}});
  EXPECT_TRUE(Test().verified());
  const std::string one = absl::StrCat("acme ", kUser);
  EXPECT_THAT(asked, ElementsAre(one, one));
  take_login_ = [](const std::string&, const std::string&) {
    return WithRetryDelay(
        Error(absl::StatusCode::kResourceExhausted, "LOGIN_BUDGET_SPENT", "none left"),
        absl::Seconds(90));
  };
  const int64_t logins = standin_->Count(testing::kTokenEndpoint);
  const int64_t signatures = SignRecords();
  const auto report = ExpectDiagnosis("LOGIN_BUDGET_SPENT", v1::TestStep::EXCHANGE);
  EXPECT_EQ(report.diagnosis().wait().seconds(), 90);
  EXPECT_EQ(standin_->Count(testing::kTokenEndpoint), logins);
  EXPECT_THAT(Steps(report), Contains("SIGN SKIPPED"));
  EXPECT_EQ(SignRecords(), signatures);
}

TEST_F(RunTest, ALoginThatNothingWasSignedForIsGivenBack) {
  int taken = 0;
  take_login_ = [&](const std::string&, const std::string&) {
    ++taken;
    return absl::OkStatus();
  };
  std::vector<std::string> returned;
  return_login_ = [&](const std::string& connection, const std::string& subject) {
    returned.push_back(absl::StrCat(connection, " ", subject));
  };
  EXPECT_TRUE(Test().verified());
  EXPECT_EQ(taken, 1);
  EXPECT_TRUE(returned.empty());
  // A clock that is wrong for the signer, and not for the login host's answer.
  int asked = 0;
  now_ = [&asked] { return ++asked < 4 ? absl::Now() : absl::Now() + absl::Hours(1); };
  ExpectDiagnosis("CLAIMS_EXP_TOO_FAR", v1::TestStep::SIGN);
  EXPECT_EQ(taken, 2);
  EXPECT_THAT(returned, ElementsAre(absl::StrCat("acme ", kUser)));
}

TEST_F(RunTest, OnlyWhereThereIsNoReportThereIsAnError) {
  const TestConnectionParts parts{.signer = *client_, .https = *https_};
  const auto reason_of = [&] { return ReasonOf(TestConnection(parts, call_).status()); };
  call_.deadline = absl::Now() - absl::Seconds(1);
  EXPECT_EQ(reason_of(), "DEADLINE_PASSED");
  call_.deadline = absl::InfiniteFuture();
  call_.request.set_key_version(0);
  EXPECT_EQ(reason_of(), "KEY_VERSION_INVALID");
  call_.request.clear_key_version();
  call_.request.set_connection("nobody");
  EXPECT_EQ(reason_of(), "CONNECTION_NOT_FOUND");
  call_.request.set_connection("No Name");
  EXPECT_EQ(reason_of(), "CONNECTION_NAME_INVALID");
  call_.request.set_connection("acme");
  signer_.Stop();
  call_.deadline = absl::Now() + absl::Milliseconds(300);
  EXPECT_EQ(TestConnection(parts, call_).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RunTest, TheSignersAuditSaysForWhomItSigned) {
  call_.request.set_subject(kUser);
  call_.request.set_key_version(1);
  call_.on_behalf_of = "spiffe://keyward.example/backend-of-acme";
  call_.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ChangeApp({{"audiences", {standin_->origin()}}});
  EXPECT_TRUE(Test().verified());
  for (const char* method : {"Sign", "InspectKeyVersion", "PreferAudience"}) {
    const testing::Finished records = testing::Run(
        {"grep", absl::StrCat("\"method\":\"", method, "\""), signer_.File("audit.jsonl")});
    EXPECT_THAT(records.out, HasSubstr(call_.on_behalf_of)) << method;
    EXPECT_THAT(records.out, HasSubstr("4bf92f3577b34da6a3ce929d0e0e4736")) << method;
  }
}

}  // namespace
}  // namespace keyward::client
