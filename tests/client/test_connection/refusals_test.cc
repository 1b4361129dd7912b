// Connections that do not work, each for a real reason.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/client/test_connection/run_fixture.h"

namespace keyward::client {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::string Text(const v1::Diagnosis& diagnosis) {
  return absl::StrCat(diagnosis.title(), diagnosis.meaning(),
                      absl::StrJoin(diagnosis.steps(), " "));
}

class RefusalsTest : public RunFixture {};

TEST_F(RefusalsTest, EveryRefusalOfTheTokenEndpointIsDiagnosed) {
  const std::pair<const char*, const char*> kRows[] = {
      {"not-approved", "USER_NOT_APPROVED"},
      {"not-admin-approved", "USER_NOT_IN_POLICY"},
      {"invalid-assertion", "INVALID_ASSERTION"},
      {"audience-invalid", "INVALID_AUDIENCE"},
      {"audience-validation-failed", "INVALID_AUDIENCE"},
      {"expired", "ASSERTION_EXPIRED"},
      {"client-invalid", "UNKNOWN_CONSUMER_KEY"},
      {"app-not-found", "APP_NOT_INSTALLED"},
      {"grant-type-unsupported", "GRANT_TYPE_UNSUPPORTED"},
      {"inactive-user", "USER_INACTIVE"},
      {"ip-restricted", "IP_RESTRICTED"},
      {"login-rate-exceeded", "LOGIN_RATE_EXCEEDED"},
      {"no-scopes", "NO_SCOPES"},
      {"client-credentials", "INVALID_CLIENT_CREDENTIALS"},
      {"retry", "SALESFORCE_TRANSIENT"},
  };
  EXPECT_EQ(standin_->Admin("GET", "/refusals")["words"].size(), std::size(kRows));
  for (const auto& [word, reason] : kRows) {
    SCOPED_TRACE(word);
    standin_->Refuse(word, 0);
    const v1::TestConnectionResponse report = ExpectDiagnosis(reason, v1::TestStep::EXCHANGE);
    EXPECT_THAT(Steps(report), Contains("API_CALL SKIPPED"));
    EXPECT_THAT(report.diagnosis().meaning(), HasSubstr("Salesforce said \""));
    standin_->Admin("DELETE", "/refusals");
  }
  // Verbatim.
  standin_->Admin("POST", "/refusals",
                  {{"error", "brand_new"}, {"error_description", "of tomorrow"}, {"count", 0}});
  EXPECT_THAT(Text(ExpectDiagnosis("SALESFORCE_REFUSED", v1::TestStep::EXCHANGE).diagnosis()),
              ::testing::AllOf(HasSubstr("\"brand_new: of tomorrow\""),
                               HasSubstr("Setup → Login History")));
}

TEST_F(RefusalsTest, TheCauseBehindTwoAudiencesIsTheOneThatTellsMore) {
  standin_->Refuse("not-approved", 1);
  standin_->Refuse("audience-invalid", 1);
  ExpectDiagnosis("USER_NOT_APPROVED", v1::TestStep::EXCHANGE);
  standin_->Refuse("audience-invalid", 1);
  standin_->Refuse("app-not-found", 1);
  ExpectDiagnosis("APP_NOT_INSTALLED", v1::TestStep::EXCHANGE);
  standin_->Refuse("not-approved", 1);
  standin_->Refuse("retry", 1);
  ExpectDiagnosis("USER_NOT_APPROVED", v1::TestStep::EXCHANGE);
}

// The five causes of the guide.

TEST_F(RefusalsTest, AnotherCertificateInTheApp) {
  standin_->UploadCertificate(consumer_key_, testing::NewRsaKey().certificate_der);
  const auto report = ExpectDiagnosis("INVALID_ASSERTION", v1::TestStep::EXCHANGE);
  EXPECT_TRUE(report.diagnosis().waiting_helps());
  // The certificate is minutes old.
  EXPECT_TRUE(absl::StartsWith(report.diagnosis().steps(0), "If you uploaded the certificate"));
  EXPECT_THAT(Text(report.diagnosis()), HasSubstr("keyward certificate download acme"));
}

TEST_F(RefusalsTest, NoScopesAtAll) {
  ChangeApp({{"scopes", nlohmann::json::array()}});
  const auto report = ExpectDiagnosis("NO_SCOPES", v1::TestStep::EXCHANGE);
  EXPECT_THAT(Text(report.diagnosis()), HasSubstr("(refresh_token, offline_access)"));
}

TEST_F(RefusalsTest, NoPreAuthorization) {
  ChangeApp({{"users", nlohmann::json::array()}});
  const auto report = ExpectDiagnosis("USER_NOT_APPROVED", v1::TestStep::EXCHANGE);
  EXPECT_THAT(Text(report.diagnosis()),
              HasSubstr(absl::StrCat(kProduction, ", ", standin_->origin())));
}

TEST_F(RefusalsTest, NoPermissionSetOfTheUser) {
  ChangeApp({{"users", nlohmann::json::array()}, {"admin_approved", true}});
  const auto report = ExpectDiagnosis("USER_NOT_IN_POLICY", v1::TestStep::EXCHANGE);
  EXPECT_THAT(Text(report.diagnosis()), HasSubstr(kUser));
}

class PropagationTest : public RunFixture {
 protected:
  PropagationTest()
      : RunFixture({"--servers", "2", "--propagation-min-seconds", "600",
                    "--propagation-max-seconds", "600"}) {}
};

TEST_F(PropagationTest, ANewAppIsNotKnownEverywhereYet) {
  const auto report = ExpectDiagnosis("UNKNOWN_CONSUMER_KEY", v1::TestStep::EXCHANGE);
  EXPECT_TRUE(absl::StartsWith(report.diagnosis().steps(0), "If you created the app"));
  EXPECT_EQ(report.diagnosis().wait().seconds(), 120);
  standin_->Admin("POST", "/propagation/finish");
  EXPECT_TRUE(Test().verified());
}

TEST_F(RefusalsTest, AClockThatIsBehind) {
  standin_->Admin("PUT", "/clock", {{"offset_seconds", 400}});
  auto report = ExpectDiagnosis("CLOCK_WRONG", v1::TestStep::CLOCK);
  EXPECT_THAT(report.diagnosis().meaning(), ::testing::ContainsRegex("6 min (39|40|41) s behind"));
  EXPECT_THAT(Steps(report), Contains("SIGN SKIPPED"));
  EXPECT_EQ(standin_->Count(testing::kTokenEndpoint), 0);
  // Too little to fail, too much to be right.
  standin_->Admin("PUT", "/clock", {{"offset_seconds", 100}});
  report = Test();
  EXPECT_TRUE(report.verified());
  EXPECT_EQ(report.diagnosis().reason(), "CLOCK_WRONG");
  EXPECT_THAT(Steps(report), Contains("CLOCK WARNING"));
  standin_->Refuse("expired", 1);
  report = ExpectDiagnosis("ASSERTION_EXPIRED", v1::TestStep::EXCHANGE);
  EXPECT_THAT(report.diagnosis().meaning(), ::testing::ContainsRegex("(99|100|101) s behind"));
}

TEST_F(RefusalsTest, AHostThatIsNotAllowed) {
  https_ = NewHttps(standin_->ca_file(), {});
  ExpectDiagnosis("LOGIN_HOST_NOT_ALLOWED", v1::TestStep::LOGIN_HOST);
  EXPECT_EQ(standin_->Journal().size(), 0U);
}

TEST_F(RefusalsTest, ANameThatDoesNotResolve) {
  // RFC 6761 section 6.4: none does under .invalid.
  https_ = NewHttps(standin_->ca_file(), {"nowhere.invalid"});
  Update({"login_url"}, [](v1::Connection& c) { c.set_login_url("https://nowhere.invalid"); });
  const auto report = ExpectDiagnosis("LOGIN_HOST_UNKNOWN", v1::TestStep::LOGIN_HOST);
  EXPECT_THAT(Text(report.diagnosis()), HasSubstr("https://nowhere.invalid"));
}

TEST_F(RefusalsTest, NobodyListens) {
  https_ = NewHttps(standin_->ca_file(), {"127.0.0.1"});
  standin_ = nullptr;
  ExpectDiagnosis("LOGIN_HOST_UNREACHABLE", v1::TestStep::LOGIN_HOST);
}

TEST_F(RefusalsTest, ACertificateOfNoCaThatIsTrusted) {
  https_ = NewHttps(signer_.File("pki/ca.pem"), {"127.0.0.1"});
  const auto report = ExpectDiagnosis("LOGIN_HOST_NOT_TRUSTED", v1::TestStep::TLS);
  EXPECT_THAT(Steps(report), Contains("LOGIN_HOST PASSED"));
  EXPECT_EQ(standin_->Journal().size(), 0U);
}

TEST_F(RefusalsTest, FaultsOnTheWay) {
  standin_->Fault(testing::kTokenEndpoint, "malformed");
  ExpectDiagnosis("RESPONSE_MALFORMED", v1::TestStep::EXCHANGE);
  standin_->Fault(testing::kTokenEndpoint, "redirect", 1,
                  {{"status", 302}, {"location", "https://elsewhere.example/"}});
  ExpectDiagnosis("LOGIN_HOST_REDIRECTS", v1::TestStep::EXCHANGE);
  standin_->Fault(testing::kTokenEndpoint, "status", 1, {{"status", 503}, {"retry_after", "77"}});
  EXPECT_EQ(
      ExpectDiagnosis("SALESFORCE_TRANSIENT", v1::TestStep::EXCHANGE).diagnosis().wait().seconds(),
      77);
  standin_->Fault(
      "/services/oauth2/userinfo", "status", 1,
      {{"status", 401},
       {"body", R"([{"errorCode":"INVALID_SESSION_ID","message":"Session expired"}])"}});
  const auto report = ExpectDiagnosis("API_TOKEN_REFUSED", v1::TestStep::API_CALL);
  EXPECT_THAT(report.diagnosis().meaning(), HasSubstr("INVALID_SESSION_ID"));
  EXPECT_THAT(Steps(report), Contains("SCOPES PASSED"));
  standin_->Fault("/services/oauth2/userinfo", "status", 1, {{"status", 403}, {"body", "no"}});
  ExpectDiagnosis("API_ACCESS_DENIED", v1::TestStep::API_CALL);
}

TEST_F(RefusalsTest, AnApiAtAHostThatIsNotAllowed) {
  standin_->Fault(testing::kTokenEndpoint, "malformed", 1,
                  {{"body", R"({"access_token":"00Dxx!odd","token_type":"Bearer",)"
                            R"("instance_url":"https://collector.example","scope":"api"})"}});
  const auto report = ExpectDiagnosis("INSTANCE_URL_NOT_ALLOWED", v1::TestStep::API_CALL);
  EXPECT_THAT(Text(report.diagnosis()), HasSubstr("https://collector.example"));
}

TEST_F(RefusalsTest, SettingsThatAreNotComplete) {
  Update({"subjects"}, [](v1::Connection& c) { c.add_subjects("second@acme.example"); });
  ExpectDiagnosis("SUBJECT_AMBIGUOUS", v1::TestStep::SETTINGS);
  call_.request.set_subject("stranger@acme.example");
  ExpectDiagnosis("SUBJECT_NOT_ALLOWED", v1::TestStep::SETTINGS);
  call_.request.set_subject(kUser);
  EXPECT_TRUE(Test().verified());
  Update({"consumer_key"}, [](v1::Connection& c) { c.clear_consumer_key(); });
  ExpectDiagnosis("CONSUMER_KEY_MISSING", v1::TestStep::SETTINGS);
}

TEST_F(RefusalsTest, WhatTheSignerRefuses) {
  call_.request.set_key_version(7);
  ExpectDiagnosis("KEY_VERSION_NOT_FOUND", v1::TestStep::KEY);
  call_.request.clear_key_version();
  // Ahead of the signer's clock as well as of the login host's.
  now_ = [] { return absl::Now() + absl::Minutes(10); };
  ExpectDiagnosis("CLAIMS_EXP_TOO_FAR", v1::TestStep::SIGN);
}

}  // namespace
}  // namespace keyward::client
