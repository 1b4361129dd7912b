// Why a policy allows something or does not.
#ifndef KEYWARD_SIGNER_POLICY_EXPLANATION_H_
#define KEYWARD_SIGNER_POLICY_EXPLANATION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "signer/authorization_policy.h"

namespace keyward::signer {

// Roles that an explanation speaks of one by one; of the others it says how many there
// are.
inline constexpr size_t kMaxExplainedRoles = 50;

struct PolicyExplanation {
  bool allowed = false;
  // The role that decides, and the line where it begins; empty and 0 where none does.
  std::string role;
  int line = 0;
  // What decides, as a sentence.
  std::string summary;
  // Why other roles that have the identity do not, a sentence each, in the order of the
  // file; at the end those that do not have it, together.
  std::vector<std::string> others;

  // Both, a line each.
  std::string Text() const;
};

// Answers as AuthorizationPolicy::Decide() does.
PolicyExplanation Explain(const AuthorizationPolicy& policy, const Access& access);

// What somebody asks, in words from outside. `access` refers to the arguments. Errors:
// INVALID_ARGUMENT REQUEST_INVALID, which says what is wrong with which.
absl::StatusOr<Access> AccessOf(absl::string_view identity, absl::string_view connection,
                                absl::string_view operation, absl::string_view subject);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_EXPLANATION_H_
