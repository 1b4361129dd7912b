#include "client/salesforce_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace keyward::client {
namespace {

using ::testing::HasSubstr;

struct SalesforceRow {
  const char* error;
  const char* description;
  absl::StatusCode code;
  const char* reason;
  // A word of the advice.
  const char* advice;
};

class SalesforceErrorTest : public ::testing::TestWithParam<SalesforceRow> {};

TEST_P(SalesforceErrorTest, SaysWhatSalesforceSaidAndWhatToChange) {
  const SalesforceRow& row = GetParam();
  const absl::Status status = MakeSalesforceError({row.error, row.description});
  EXPECT_EQ(status.code(), row.code);
  EXPECT_EQ(ReasonOf(status), row.reason);
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr(row.error));
  EXPECT_THAT(message, HasSubstr(row.description));
  EXPECT_THAT(message, HasSubstr(row.advice));
  const auto said = SalesforceErrorOf(status);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->error, row.error);
  EXPECT_EQ(said->description, row.description);
  EXPECT_EQ(MetadataOf(status)["salesforce_error"], row.error);
  EXPECT_EQ(MetadataOf(status)["salesforce_error_description"], row.description);
  // When: after an hour for one of them, when Salesforce says so or after a while for the others.
  const bool limited = row.code == absl::StatusCode::kResourceExhausted;
  EXPECT_EQ(RetryDelayOf(status), limited ? std::make_optional(absl::Hours(1)) : std::nullopt);
}

constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

INSTANTIATE_TEST_SUITE_P(
    Rows, SalesforceErrorTest,
    ::testing::Values(
        SalesforceRow{"invalid_grant", "user hasn't approved this consumer", kDenied,
                      "USER_NOT_APPROVED", "Permitted Users"},
        SalesforceRow{"invalid_app_access", "user is not admin approved to access this app",
                      kDenied, "USER_NOT_IN_POLICY", "permission set"},
        SalesforceRow{"invalid_grant", "invalid assertion", kPrecondition, "INVALID_ASSERTION",
                      "2 to 10 minutes"},
        SalesforceRow{"invalid_grant", "audience is invalid", kPrecondition, "INVALID_AUDIENCE",
                      "audience"},
        SalesforceRow{"invalid_grant", "Audience validation failed", kPrecondition,
                      "INVALID_AUDIENCE", "audience"},
        SalesforceRow{"invalid_grant", "expired authorization code", kPrecondition,
                      "ASSERTION_EXPIRED", "clock"},
        SalesforceRow{"invalid_client_id", "client identifier invalid", kPrecondition,
                      "UNKNOWN_CONSUMER_KEY", "Consumer Key"},
        SalesforceRow{"app_not_found", "External client app is not installed in this org",
                      kPrecondition, "APP_NOT_INSTALLED", "My Domain"},
        SalesforceRow{"unsupported_grant_type", "grant type not supported", kPrecondition,
                      "GRANT_TYPE_UNSUPPORTED", "proxy"},
        SalesforceRow{"invalid_grant", "inactive user", kDenied, "USER_INACTIVE", "Unfreeze"},
        SalesforceRow{"invalid_grant", "ip restricted", kDenied, "IP_RESTRICTED",
                      "Login IP Ranges"},
        SalesforceRow{"invalid_grant", "login rate exceeded", absl::StatusCode::kResourceExhausted,
                      "LOGIN_RATE_EXCEEDED", "3,600"},
        SalesforceRow{"invalid_grant", "no valid scopes defined", kPrecondition, "NO_SCOPES",
                      "'api'"},
        SalesforceRow{"invalid_client", "invalid client credentials", kPrecondition,
                      "INVALID_CLIENT_CREDENTIALS", "consumer key"},
        SalesforceRow{"unknown_error", "retry your request", absl::StatusCode::kUnavailable,
                      "SALESFORCE_TRANSIENT", "try again"},
        SalesforceRow{"invalid_grant", "something new", kPrecondition, "SALESFORCE_REFUSED",
                      "Login History"},
        SalesforceRow{"brand_new", "", kPrecondition, "SALESFORCE_REFUSED", "Login History"}));

TEST(SalesforceErrorOfTest, AsksForAnHourAfterTooManyLogins) {
  EXPECT_EQ(RetryDelayOf(MakeSalesforceError({"invalid_grant", "login rate exceeded"})),
            absl::Hours(1));
  EXPECT_FALSE(RetryDelayOf(MakeSalesforceError({"invalid_grant", "inactive user"})).has_value());
}

TEST(SalesforceErrorOfTest, IsNothingForOtherErrors) {
  EXPECT_FALSE(SalesforceErrorOf(absl::InternalError("x")).has_value());
  EXPECT_FALSE(SalesforceErrorOf(absl::OkStatus()).has_value());
}

}  // namespace
}  // namespace keyward::client
