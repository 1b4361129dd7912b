#include "client/salesforce_error.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr char kErrorKey[] = "salesforce_error";
constexpr char kDescriptionKey[] = "salesforce_error_description";

struct Row {
  // What `error` is, and what `error_description` contains, in lower case;
  // empty matches everything.
  const char* error;
  const char* description;
  absl::StatusCode code;
  const char* reason;
  const char* advice;
};

// The first row that matches counts. The advice is in the words of Salesforce's Setup, and ends
// with when to try again where waiting is part of it.
constexpr Row kRows[] = {
    {"invalid_grant", "user hasn't approved this consumer", absl::StatusCode::kPermissionDenied,
     "USER_NOT_APPROVED",
     "In the app's OAuth policies set Permitted Users to 'Admin approved users are pre-authorized' "
     "and add the user's profile or permission set; a wrong login URL or audience looks the same."},
    {"invalid_app_access", "", absl::StatusCode::kPermissionDenied, "USER_NOT_IN_POLICY",
     "Permitted Users is set: now add the user's profile or permission set to the app's policies, "
     "or assign that permission set to the user."},
    {"invalid_grant", "invalid assertion", absl::StatusCode::kFailedPrecondition,
     "INVALID_ASSERTION",
     "Upload this connection's certificate to the app's OAuth settings ('keyward certificate "
     "download'): the app has another one, or lost it in a metadata deploy or a sandbox refresh. A "
     "new upload takes 2 to 10 minutes to reach every server: within those, try again."},
    {"invalid_grant", "audience", absl::StatusCode::kFailedPrecondition, "INVALID_AUDIENCE",
     "Change the connection's audience: https://login.salesforce.com for production, "
     "https://test.salesforce.com for sandboxes, or the org's My Domain URL."},
    {"invalid_grant", "expired authorization code", absl::StatusCode::kFailedPrecondition,
     "ASSERTION_EXPIRED",
     "The assertion's exp is in the past for Salesforce: set this machine's clock, then try again "
     "with a new assertion."},
    {"invalid_client_id", "", absl::StatusCode::kFailedPrecondition, "UNKNOWN_CONSUMER_KEY",
     "Set the connection's consumer key to the app's Consumer Key (Setup > App Manager, or "
     "External Client App Manager). A new app takes 2 to 10 minutes to be known: within those, try "
     "again."},
    {"app_not_found", "", absl::StatusCode::kFailedPrecondition, "APP_NOT_INSTALLED",
     "Set the connection's login URL to the org's My Domain URL (Setup > My Domain), or install "
     "the app in this org."},
    {"unsupported_grant_type", "", absl::StatusCode::kFailedPrecondition, "GRANT_TYPE_UNSUPPORTED",
     "The request did not arrive as it was sent: look for a proxy that rewrites it."},
    {"invalid_grant", "inactive user", absl::StatusCode::kPermissionDenied, "USER_INACTIVE",
     "The user is deactivated or frozen: in Setup > Users make it Active or Unfreeze it, or use "
     "another subject."},
    {"invalid_grant", "ip restricted", absl::StatusCode::kPermissionDenied, "IP_RESTRICTED",
     "This machine's address is outside the allowed ranges: add it to the profile's Login IP "
     "Ranges or to Setup > Network Access, or set IP Relaxation in the app's policies."},
    {"invalid_grant", "login rate exceeded", absl::StatusCode::kResourceExhausted,
     "LOGIN_RATE_EXCEEDED",
     "More than 3,600 logins in an hour for this user: reuse access tokens, and try again in an "
     "hour."},
    {"invalid_grant", "no valid scopes", absl::StatusCode::kFailedPrecondition, "NO_SCOPES",
     "Add the scopes 'api' and 'refresh_token, offline_access' to the app's Selected OAuth "
     "Scopes."},
    {"invalid_client", "", absl::StatusCode::kFailedPrecondition, "INVALID_CLIENT_CREDENTIALS",
     "Check the connection's consumer key and the app's certificate, and look for this login in "
     "the org's Setup > Login History."},
    {"unknown_error", "", absl::StatusCode::kUnavailable, "SALESFORCE_TRANSIENT",
     "A passing fault at Salesforce: try again."},
    {"", "", absl::StatusCode::kFailedPrecondition, "SALESFORCE_REFUSED",
     "Look for this login in the org's Setup > Login History."},
};

bool Matches(const Row& row, const SalesforceError& refusal) {
  return (*row.error == '\0' || refusal.error == row.error) &&
         absl::StrContains(absl::AsciiStrToLower(refusal.description), row.description);
}

}  // namespace

absl::Status MakeSalesforceError(const SalesforceError& refusal) {
  const Row* row = kRows;
  while (!Matches(*row, refusal)) ++row;
  std::string said = refusal.error;
  if (!refusal.description.empty()) absl::StrAppend(&said, ": ", refusal.description);
  absl::Status status =
      Error(row->code, row->reason, absl::StrCat("Salesforce said '", said, "'. ", row->advice));
  status = WithMetadata(std::move(status), kErrorKey, refusal.error);
  status = WithMetadata(std::move(status), kDescriptionKey, refusal.description);
  if (row->code == absl::StatusCode::kResourceExhausted) {
    return WithRetryDelay(std::move(status), absl::Hours(1));
  }
  return status;
}

std::optional<SalesforceError> SalesforceErrorOf(const absl::Status& status) {
  const std::map<std::string, std::string> metadata = MetadataOf(status);
  const auto error = metadata.find(kErrorKey);
  const auto description = metadata.find(kDescriptionKey);
  if (error == metadata.end()) return std::nullopt;
  SalesforceError refusal;
  refusal.error = error->second;
  if (description != metadata.end()) refusal.description = description->second;
  return refusal;
}

}  // namespace keyward::client
