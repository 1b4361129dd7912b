#include "client/claims_for_connection.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "common/subject_pattern.h"
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

using Names = google::protobuf::RepeatedPtrField<std::string>;

// As many as a sentence has room for.
std::string Some(const Names& names) {
  constexpr int kMaxShown = 10;
  const int shown = std::min(names.size(), kMaxShown);
  const std::string joined = absl::StrJoin(names.begin(), names.begin() + shown, ", ");
  if (shown == names.size()) return joined;
  return absl::StrCat(joined, " and ", names.size() - shown, " more");
}

bool IsAllowed(const v1::Connection& connection, absl::string_view subject) {
  const auto stands_for_it = [&](const std::string& pattern) {
    return MatchesSubjectPattern(pattern, subject);
  };
  return absl::c_linear_search(connection.subjects(), subject) ||
         absl::c_any_of(connection.subject_patterns(), stands_for_it);
}

absl::Status NotAllowed(const v1::Connection& connection, absl::string_view chosen) {
  std::string sentence = absl::StrCat("the subject ", Shown(chosen), " is not one of connection ",
                                      connection.name(), "'s: ");
  const Names& patterns = connection.subject_patterns();
  if (!patterns.empty()) absl::StrAppend(&sentence, "choose one like ", Some(patterns), ", or ");
  // The update replaces the list.
  absl::StrAppend(
      &sentence, "add it with 'keyward connection update ", connection.name(),
      connection.subjects().empty()
          ? " --subject USER'"
          : absl::StrCat("', repeating --subject for each, those that it has included: ",
                         Some(connection.subjects())));
  return Error(absl::StatusCode::kPermissionDenied, "SUBJECT_NOT_ALLOWED", sentence);
}

absl::Status NoSubject(const v1::Connection& connection) {
  const Names& patterns = connection.subject_patterns();
  if (patterns.empty()) return Lacks(connection, "NO_SUBJECT", "subject", "--subject USER");
  return Error(absl::StatusCode::kFailedPrecondition, "NO_SUBJECT",
               absl::StrCat("connection ", connection.name(),
                            " has patterns of subjects only: choose a user with --subject, like ",
                            Some(patterns)));
}

}  // namespace

absl::StatusOr<std::string> SubjectOf(const v1::Connection& connection, absl::string_view chosen) {
  const Names& subjects = connection.subjects();
  if (!chosen.empty() && IsAllowed(connection, chosen)) return std::string(chosen);
  if (subjects.empty() && (chosen.empty() || connection.subject_patterns().empty())) {
    return NoSubject(connection);
  }
  if (!chosen.empty()) return NotAllowed(connection, chosen);
  if (subjects.size() == 1) return subjects[0];
  return Error(
      absl::StatusCode::kInvalidArgument, "SUBJECT_AMBIGUOUS",
      absl::StrCat("connection ", connection.name(),
                   " has more than one subject: choose one with --subject, of ", Some(subjects)));
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
