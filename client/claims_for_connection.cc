#include "client/claims_for_connection.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

absl::Status Lacks(const v1::Connection& connection, absl::string_view reason,
                   absl::string_view what, absl::string_view flag) {
  return Error(
      absl::StatusCode::kFailedPrecondition, reason,
      absl::StrCat("connection ", connection.name(), " has no ", what,
                   ": set it with 'keyward connection update ", connection.name(), " ", flag, "'"));
}

// As many as a sentence has room for.
std::string SomeSubjects(const v1::Connection& connection) {
  constexpr int kMaxShown = 10;
  const auto& subjects = connection.subjects();
  const int shown = std::min(subjects.size(), kMaxShown);
  const std::string names = absl::StrJoin(subjects.begin(), subjects.begin() + shown, ", ");
  if (shown == subjects.size()) return names;
  return absl::StrCat(names, " and ", subjects.size() - shown, " more");
}

}  // namespace

absl::StatusOr<std::string> SubjectOf(const v1::Connection& connection, absl::string_view chosen) {
  const auto& subjects = connection.subjects();
  if (subjects.empty()) return Lacks(connection, "NO_SUBJECT", "subject", "--subject USER");
  if (!chosen.empty()) {
    if (std::find(subjects.begin(), subjects.end(), chosen) != subjects.end()) {
      return std::string(chosen);
    }
    // The update replaces the list.
    return Error(
        absl::StatusCode::kPermissionDenied, "SUBJECT_NOT_ALLOWED",
        absl::StrCat("the subject ", Shown(chosen), " is not one of connection ", connection.name(),
                     "'s: add it with 'keyward connection update ", connection.name(),
                     "', repeating --subject for each, those that it has included: ",
                     SomeSubjects(connection)));
  }
  if (subjects.size() == 1) return subjects[0];
  return Error(absl::StatusCode::kInvalidArgument, "SUBJECT_AMBIGUOUS",
               absl::StrCat("connection ", connection.name(),
                            " has more than one subject: choose one with --subject, of ",
                            SomeSubjects(connection)));
}

absl::StatusOr<std::string> ClaimsFor(const v1::Connection& connection, const ClaimsChoice& choice,
                                      absl::Time now) {
  if (connection.consumer_key().empty()) {
    return Lacks(connection, "CONSUMER_KEY_MISSING", "consumer key", "--consumer-key KEY");
  }
  Claims claims;
  claims.consumer_key = connection.consumer_key();
  claims.subject = choice.subject;
  if (claims.subject.empty()) {
    ASSIGN_OR_RETURN(claims.subject, SubjectOf(connection, ""));
  }
  claims.audience = choice.audience;
  if (claims.audience.empty()) {
    if (connection.audiences().empty()) {
      return Lacks(connection, "NO_AUDIENCE", "audience", "--audience URL");
    }
    claims.audience = connection.audiences(0);
  }
  claims.lifetime = choice.lifetime;
  return BuildClaims(claims, now);
}

}  // namespace keyward::client
