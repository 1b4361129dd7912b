// What may be written in a policy but has no effect, or not the one that was meant.
#ifndef KEYWARD_SIGNER_POLICY_WARNINGS_H_
#define KEYWARD_SIGNER_POLICY_WARNINGS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "signer/authorization_policy.h"
#include "signer/caller_identity.h"

namespace keyward::signer {

// "FILE:LINE: ..." in the order of the file: roles and parts of roles that other roles
// make pointless, quotas that never count, and approvals that nobody could give. Each is
// certain: where two entries only overlap there is no warning.
std::vector<std::string> PolicyWarnings(const AuthorizationPolicy& policy, absl::string_view file);

// The same of identities whose kind is none of `kinds`, the setting identity.kinds of a
// daemon, which therefore never meets them.
std::vector<std::string> UnusedKindWarnings(const AuthorizationPolicy& policy,
                                            const IdentityKinds& kinds, absl::string_view file);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_WARNINGS_H_
