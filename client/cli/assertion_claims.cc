#include "client/cli/assertion_claims.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

absl::Status Lacks(const v1::Connection& connection, absl::string_view reason,
                   absl::string_view what, absl::string_view flag) {
  return Error(
      absl::StatusCode::kFailedPrecondition, reason,
      absl::StrCat("connection ", connection.name(), " has no ", what,
                   ": set it with 'keyward connection update ", connection.name(), " ", flag, "'"));
}

absl::StatusOr<std::string> SubjectOf(const v1::Connection& connection) {
  if (connection.subjects_size() == 1) return connection.subjects(0);
  if (connection.subjects().empty()) {
    return Lacks(connection, "NO_SUBJECT", "subject", "--subject USER");
  }
  return Error(absl::StatusCode::kInvalidArgument, "SUBJECT_AMBIGUOUS",
               absl::StrCat("connection ", connection.name(),
                            " has more than one subject: choose one with --subject, of ",
                            absl::StrJoin(connection.subjects(), ", ")));
}

}  // namespace

absl::StatusOr<std::string> ClaimsFor(const v1::Connection& connection,
                                      const ClaimsChoice& choice) {
  if (connection.consumer_key().empty()) {
    return Lacks(connection, "CONSUMER_KEY_MISSING", "consumer key", "--consumer-key KEY");
  }
  Claims claims;
  claims.consumer_key = connection.consumer_key();
  claims.subject = choice.subject;
  if (claims.subject.empty()) {
    ASSIGN_OR_RETURN(claims.subject, SubjectOf(connection));
  }
  claims.audience = choice.audience;
  if (claims.audience.empty()) {
    if (connection.audiences().empty()) {
      return Lacks(connection, "NO_AUDIENCE", "audience", "--audience URL");
    }
    claims.audience = connection.audiences(0);
  }
  claims.lifetime = choice.lifetime;
  return BuildClaims(claims);
}

}  // namespace keyward::client
