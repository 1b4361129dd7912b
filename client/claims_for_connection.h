// Claims for a connection as the signer has it.
#ifndef KEYWARD_CLIENT_CLAIMS_FOR_CONNECTION_H_
#define KEYWARD_CLIENT_CLAIMS_FOR_CONNECTION_H_

#include <keyward/v1/connections.pb.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/claims.h"

namespace keyward::client {

struct ClaimsChoice {
  // Empty takes the connection's subject, when it has exactly one.
  std::string subject;
  // Empty takes the connection's first audience.
  std::string audience;
  // Whole seconds, 1 to 300.
  absl::Duration lifetime = kDefaultAssertionLifetime;
};

// Who is logged in: `chosen`, where the connection has it among its subjects or one of its
// subject patterns stands for it; without a choice its only subject.
//
// Errors:
//   FAILED_PRECONDITION NO_SUBJECT       the connection has none; or it has patterns only,
//                                        and none was chosen
//   INVALID_ARGUMENT SUBJECT_AMBIGUOUS   it has several and none was chosen
//   PERMISSION_DENIED SUBJECT_NOT_ALLOWED   `chosen` is none of these
// Safe to call from any thread.
absl::StatusOr<std::string> SubjectOf(const v1::Connection& connection, absl::string_view chosen);

// The claims set to be signed, as of BuildClaims(). A subject or audience that was
// chosen is taken as it is: whether the connection allows it is the signer's to say.
//
// Errors: those of SubjectOf() and BuildClaims(), and
//   FAILED_PRECONDITION CONSUMER_KEY_MISSING, NO_AUDIENCE   set it on the connection
// Safe to call from any thread.
absl::StatusOr<std::string> ClaimsFor(const v1::Connection& connection, const ClaimsChoice& choice,
                                      absl::Time now = absl::Now());

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLAIMS_FOR_CONNECTION_H_
