// What Salesforce refuses becomes what to change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "client/salesforce_error.h"
#include "tests/client/test_connection/diagnosis_context.h"

namespace keyward::client {
namespace {

using ::testing::HasSubstr;

// What Salesforce says, the reason, and what the admin must read.
struct Refusal {
  const char* error;
  const char* description;
  const char* reason;
  std::vector<const char*> words;
  bool waiting_helps;
};

std::vector<Refusal> Refusals() {
  return {
      {"invalid_grant",
       "user hasn't approved this consumer",
       "USER_NOT_APPROVED",
       {"Permitted Users", "Admin approved users are pre-authorized", "External Client App Manager",
        "Manage Connected Apps", "Select Profiles", "Select Permission Sets", "Manage Profiles",
        "https://login.salesforce.com, https://acme.my.salesforce.com"},
       true},
      {"invalid_app_access",
       "user is not admin approved to access this app",
       "USER_NOT_IN_POLICY",
       {"permission set", "Select Permission Sets", "Manage Permission Sets",
        "Permission Set Assignments", "ops@acme.example"},
       true},
      {"invalid_grant",
       "invalid assertion",
       "INVALID_ASSERTION",
       {"keyward certificate download acme --version 3", "Enable JWT Bearer Flow",
        "Use digital signatures", "metadata deploy", "3MVG9.key"},
       true},
      {"invalid_grant",
       "audience is invalid",
       "INVALID_AUDIENCE",
       {"keyward connection update acme --audience", "My Domain",
        "Tried: https://login.salesforce.com, https://acme.my.salesforce.com"},
       false},
      {"invalid_grant",
       "expired authorization code",
       "ASSERTION_EXPIRED",
       {"3 min 5 s behind the login host's", "timedatectl", "keyward-signer"},
       false},
      {"invalid_client_id",
       "client identifier invalid",
       "UNKNOWN_CONSUMER_KEY",
       {"3MVG9.key", "Consumer Key and Secret", "Manage Consumer Details",
        "keyward connection update acme --consumer-key", "created the app"},
       true},
      {"app_not_found",
       "External client app is not installed in this org",
       "APP_NOT_INSTALLED",
       {"My Domain", "--environment custom --login-url", "https://acme.my.salesforce.com"},
       true},
      {"unsupported_grant_type",
       "grant type not supported",
       "GRANT_TYPE_UNSUPPORTED",
       {"proxy", "keyward test acme --version 3 --https-proxy none"},
       false},
      {"invalid_grant",
       "inactive user",
       "USER_INACTIVE",
       {"Setup → Users → ops@acme.example", "Active", "Unfreeze"},
       false},
      {"invalid_grant",
       "ip restricted",
       "IP_RESTRICTED",
       {"Login IP Ranges", "Relax IP restrictions", "Login History"},
       false},
      {"invalid_grant", "login rate exceeded", "LOGIN_RATE_EXCEEDED", {"3,600", "hour"}, true},
      {"invalid_grant",
       "no valid scopes defined",
       "NO_SCOPES",
       {"(api)", "(refresh_token, offline_access)", "OAuth Settings"},
       true},
      {"invalid_client",
       "invalid client credentials",
       "INVALID_CLIENT_CREDENTIALS",
       {"3MVG9.key", "keyward certificate download acme", "Login History"},
       true},
      {"unknown_error",
       "retry your request",
       "SALESFORCE_TRANSIENT",
       {"status.salesforce.com"},
       true},
      {"invalid_grant", "something new", "SALESFORCE_REFUSED", {"Setup → Login History"}, true},
  };
}

TEST(SalesforceDiagnosisTest, EveryRefusalOfSalesforcesSaysWhatToChange) {
  for (const Refusal& refusal : Refusals()) {
    SCOPED_TRACE(refusal.reason);
    const absl::Status failure =
        MakeSalesforceError({.error = refusal.error, .description = refusal.description});
    const v1::Diagnosis diagnosis = DiagnosisFor(failure, Acme());
    EXPECT_EQ(diagnosis.reason(), refusal.reason);
    // Salesforce's own words, for who searches for them.
    EXPECT_THAT(diagnosis.meaning(),
                HasSubstr(absl::StrCat("\"", refusal.error, ": ", refusal.description, "\"")));
    for (const char* word : refusal.words) EXPECT_THAT(Text(diagnosis), HasSubstr(word));
    EXPECT_EQ(diagnosis.waiting_helps(), refusal.waiting_helps);
    EXPECT_EQ(diagnosis.has_wait(), refusal.waiting_helps);
  }
}

}  // namespace
}  // namespace keyward::client
