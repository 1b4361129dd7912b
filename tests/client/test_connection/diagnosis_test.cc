// Every reason has a diagnosis that a Salesforce admin can act on.
#include "client/test_connection/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/salesforce_error.h"
#include "client/test_connection/diagnosis_table.h"
#include "common/error.h"
#include "common/utf8.h"
#include "tests/client/test_connection/diagnosis_context.h"

namespace keyward::client {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<const DiagnosisRow*> AllRows() {
  std::vector<const DiagnosisRow*> all;
  for (const auto rows : {SalesforceDiagnoses(), NetworkDiagnoses(), SignerDiagnoses()}) {
    for (const DiagnosisRow& row : rows) all.push_back(&row);
  }
  return all;
}

TEST(DiagnosisTest, EveryRowIsCompleteAndFilledIn) {
  std::set<std::string> reasons;
  for (const DiagnosisRow* row : AllRows()) {
    SCOPED_TRACE(row->reason);
    EXPECT_TRUE(reasons.insert(row->reason).second) << "twice";
    EXPECT_EQ(row->waiting == Waiting::kAfterChange, row->changed != nullptr);
    const v1::Diagnosis diagnosis = DiagnosisFor(
        Error(absl::StatusCode::kFailedPrecondition, row->reason, "What was found."), Acme());
    EXPECT_EQ(diagnosis.reason(), row->reason);
    EXPECT_THAT(diagnosis.title(), AllOf(EndsWith("."), Not(HasSubstr("{"))));
    EXPECT_LT(diagnosis.title().size(), 100U);
    EXPECT_THAT(diagnosis.steps(), Not(IsEmpty()));
    EXPECT_THAT(Text(diagnosis), AllOf(Not(HasSubstr("{")), Not(HasSubstr("}"))));
    EXPECT_THAT(Text(diagnosis), Not(HasSubstr("  ")));
    for (const std::string& step : diagnosis.steps()) EXPECT_LT(step.size(), 700U) << step;
    EXPECT_TRUE(IsValidUtf8(Text(diagnosis)));
  }
}

TEST(DiagnosisTest, EveryFailureOfAStepHasARow) {
  for (const char* reason : {"CONSUMER_KEY_MISSING",
                             "NO_SUBJECT",
                             "SUBJECT_AMBIGUOUS",
                             "SUBJECT_NOT_ALLOWED",
                             "NO_AUDIENCE",
                             "KEY_REFUSED",
                             "KEY_VERSION_NOT_FOUND",
                             "KEY_VERSION_DISABLED",
                             "KEY_VERSION_DESTROYED",
                             "NO_ACTIVE_KEY_VERSION",
                             "CERTIFICATE_EXPIRED",
                             "CERTIFICATE_EXPIRING",
                             "CERTIFICATE_NOT_YET_VALID",
                             "CERTIFICATE_TOO_LONG",
                             "CERTIFICATE_KEY_TOO_SHORT",
                             "CERTIFICATE_KEY_MISMATCH",
                             "CERTIFICATE_MALFORMED",
                             "LOGIN_URL_INVALID",
                             "LOGIN_HOST_NOT_ALLOWED",
                             "LOGIN_HOST_PRIVATE",
                             "LOGIN_HOST_UNKNOWN",
                             "LOGIN_HOST_UNREACHABLE",
                             "LOGIN_HOST_TIMEOUT",
                             "LOGIN_HOST_NOT_TRUSTED",
                             "LOGIN_HOST_REDIRECTS",
                             "PROXY_REFUSED",
                             "RESPONSE_TOO_LARGE",
                             "RESPONSE_MALFORMED",
                             "CLOCK_WRONG",
                             "NOT_ALLOWED",
                             "TOKEN_UNAVAILABLE",
                             "AUDIT_UNAVAILABLE",
                             "QUEUE_FULL",
                             "REGISTRY_UNAVAILABLE",
                             "SIGNATURE_INVALID",
                             "SIGNER_UNREACHABLE",
                             "SIGNER_UNAVAILABLE",
                             "SIGNER_REFUSES_EXCHANGE",
                             "DENIED_BY_ROLE",
                             "CONNECTION_FROZEN",
                             "EMERGENCY_FREEZE",
                             "QUOTA_EXCEEDED",
                             "CLIENT_CERTIFICATE_REVOKED",
                             "CLIENT_CERTIFICATE_EXPIRED",
                             "CLIENT_CERTIFICATE_INVALID",
                             "CLIENT_CRL_EXPIRED",
                             "CLAIMS_EXP_PAST",
                             "CLAIMS_EXP_TOO_FAR",
                             "LOGIN_BUDGET_SPENT",
                             "LOGIN_HOST_CIRCUIT_OPEN",
                             "DEADLINE_PASSED",
                             "DEADLINE_EXCEEDED",
                             "API_TOKEN_REFUSED",
                             "API_ACCESS_DENIED",
                             "API_ANSWER_UNEXPECTED",
                             "INSTANCE_URL_NOT_ALLOWED",
                             "SCOPES_MISSING"}) {
    EXPECT_TRUE(HasDiagnosis(reason)) << reason;
  }
  EXPECT_FALSE(HasDiagnosis(""));
  EXPECT_FALSE(HasDiagnosis("NO_SUCH_REASON"));
}

TEST(DiagnosisTest, WhatChangedLatelyIsAskedForFirst) {
  const absl::Status failure =
      MakeSalesforceError({.error = "invalid_grant", .description = "invalid assertion"});
  DiagnosisContext context = Acme();
  const v1::Diagnosis before = DiagnosisFor(failure, context);
  EXPECT_THAT(before.steps(0), HasSubstr("keyward certificate download"));
  const std::string& waiting = before.steps(before.steps_size() - 1);
  EXPECT_THAT(waiting, AllOf(StartsWith("If you uploaded the certificate or created the app within "
                                        "the last ten minutes"),
                             HasSubstr("keyward test acme --version 3")));
  EXPECT_EQ(before.wait().seconds(), 120);
  context.recently_changed = true;
  const v1::Diagnosis after = DiagnosisFor(failure, context);
  EXPECT_EQ(after.steps(0), waiting);
  EXPECT_EQ(after.steps(1), before.steps(0));
  EXPECT_EQ(after.steps_size(), before.steps_size());
}

TEST(DiagnosisTest, WaitsAsLongAsTheFailureSays) {
  EXPECT_EQ(DiagnosisFor(WithRetryDelay(Error(absl::StatusCode::kResourceExhausted,
                                              "LOGIN_BUDGET_SPENT", "Spent."),
                                        absl::Milliseconds(7500)),
                         Acme())
                .wait()
                .seconds(),
            8);
  EXPECT_EQ(
      DiagnosisFor(Error(absl::StatusCode::kUnavailable, "TOKEN_UNAVAILABLE", "Away."), Acme())
          .wait()
          .seconds(),
      60);
  EXPECT_EQ(DiagnosisFor(MakeSalesforceError(
                             {.error = "invalid_grant", .description = "login rate exceeded"}),
                         Acme())
                .wait()
                .seconds(),
            3600);
}

TEST(DiagnosisTest, AnUnknownReasonShowsItsSentence) {
  const v1::Diagnosis diagnosis = DiagnosisFor(
      Error(absl::StatusCode::kUnimplemented, "BRAND_NEW", "Update {name} the signer."), Acme());
  EXPECT_EQ(diagnosis.reason(), "BRAND_NEW");
  // As it is: what comes from elsewhere is no template.
  EXPECT_EQ(diagnosis.meaning(), "Update {name} the signer.");
  EXPECT_FALSE(diagnosis.waiting_helps());
  EXPECT_EQ(DiagnosisFor(absl::InternalError("x"), Acme()).reason(), "INTERNAL");
}

TEST(DiagnosisTest, TextsFromElsewhereAreTamed) {
  const v1::Diagnosis diagnosis = DiagnosisFor(
      MakeSalesforceError({.error = "odd\x1b[2J", .description = std::string(5000, 'x') + "ä"}),
      Acme());
  EXPECT_EQ(diagnosis.reason(), "SALESFORCE_REFUSED");
  EXPECT_LT(diagnosis.meaning().size(), 700U);
  EXPECT_THAT(diagnosis.meaning(), HasSubstr("odd?[2J: xxx"));
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "ä";
  for (const char* shift : {"", "x"}) {
    const std::string meaning =
        DiagnosisFor(Error(absl::StatusCode::kUnknown, "ODD", shift + umlauts), {}).meaning();
    EXPECT_TRUE(IsValidUtf8(meaning));
    EXPECT_LT(meaning.size(), 700U);
    EXPECT_THAT(meaning, HasSubstr("ä …"));
  }
}

TEST(DiagnosisTest, AContextThatLacksThingsStillReads) {
  for (const DiagnosisRow* row : AllRows()) {
    const v1::Diagnosis diagnosis =
        DiagnosisFor(Error(absl::StatusCode::kUnknown, row->reason, "Said."), {});
    EXPECT_THAT(Text(diagnosis), AllOf(Not(HasSubstr("{")), Not(HasSubstr("  ")))) << row->reason;
  }
}

TEST(DiagnosisTest, TheClockIsJudgedInWords) {
  const absl::Status expired =
      MakeSalesforceError({.error = "invalid_grant", .description = "expired authorization code"});
  const std::pair<std::optional<absl::Duration>, const char*> kCases[] = {
      {std::nullopt, "could not be compared"},
      {absl::Milliseconds(900), "agrees with"},
      {absl::Seconds(75), "75 s ahead of"},
      {absl::Seconds(-601), "10 min 1 s behind"},
  };
  for (const auto& [skew, words] : kCases) {
    DiagnosisContext context = Acme();
    context.clock_skew = skew;
    EXPECT_THAT(DiagnosisFor(expired, context).meaning(), HasSubstr(words));
  }
}

TEST(DiagnosisTest, NamesTheSettingsOfWhatTested) {
  const absl::Status failure =
      Error(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE", "no connection");
  EXPECT_THAT(DiagnosisFor(failure, {}).DebugString(), HasSubstr("KEYWARD_HTTPS_PROXY"));
  const std::string by_exchange = DiagnosisFor(failure, {.by_exchange = true}).DebugString();
  EXPECT_THAT(by_exchange, HasSubstr("https.proxy in exchange.yaml"));
  EXPECT_THAT(by_exchange, Not(HasSubstr("KEYWARD_")));
}

}  // namespace
}  // namespace keyward::client
