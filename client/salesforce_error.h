// What Salesforce's token endpoint says when it refuses, and what to do then.
#ifndef KEYWARD_CLIENT_SALESFORCE_ERROR_H_
#define KEYWARD_CLIENT_SALESFORCE_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace keyward::client {

// The error response of RFC 6749 section 5.2.
struct SalesforceError {
  // "invalid_grant"
  std::string error;
  // "user hasn't approved this consumer"; empty where Salesforce gave none.
  std::string description;
};

// An error that carries `refusal` (as MetadataOf()'s salesforce_error and
// salesforce_error_description; SalesforceErrorOf() gives it back, on the other
// side of gRPC too), a reason (common/error.h) and the one thing to change. The
// code says whether trying again can help:
//   UNAVAILABLE          yes, soon: SALESFORCE_TRANSIENT
//   RESOURCE_EXHAUSTED   yes, after RetryDelayOf(): LOGIN_RATE_EXCEEDED
//   PERMISSION_DENIED    not before someone changes the user or the app's
//     policies: USER_NOT_APPROVED, USER_NOT_IN_POLICY, USER_INACTIVE,
//     IP_RESTRICTED
//   FAILED_PRECONDITION  not before someone changes the app, the connection or
//     a clock: INVALID_ASSERTION, INVALID_AUDIENCE, ASSERTION_EXPIRED,
//     UNKNOWN_CONSUMER_KEY, APP_NOT_INSTALLED, GRANT_TYPE_UNSUPPORTED,
//     NO_SCOPES, INVALID_CLIENT_CREDENTIALS, and SALESFORCE_REFUSED for a text
//     that is not known, which the message then shows as it is. INVALID_AUDIENCE
//     is worth another audience at once, ASSERTION_EXPIRED one more assertion,
//     and for 10 minutes after an upload INVALID_ASSERTION, after the creation
//     of an app UNKNOWN_CONSUMER_KEY, may pass by themselves
absl::Status MakeSalesforceError(const SalesforceError& refusal);

// What MakeSalesforceError() was given, or nothing for any other error.
std::optional<SalesforceError> SalesforceErrorOf(const absl::Status& status);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_SALESFORCE_ERROR_H_
