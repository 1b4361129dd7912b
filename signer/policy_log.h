// What a daemon's log says of its policy.
#ifndef KEYWARD_SIGNER_POLICY_LOG_H_
#define KEYWARD_SIGNER_POLICY_LOG_H_

#include <string>

#include "signer/authorization_policy.h"
#include "signer/caller_identity.h"
#include "signer/policy_watch.h"

namespace keyward::signer {

// At start: which policy is in use, and its warnings. `kinds` and `file` as for
// UnusedKindWarnings(). Thread-safe, like LogPolicyReload().
void LogPolicy(const AuthorizationPolicy& policy, const IdentityKinds& kinds,
               const std::string& file);

// The same after a reload, or what is wrong with the changed file. `in_use` is the policy
// that is in use now.
void LogPolicyReload(const PolicyReload& reload, const AuthorizationPolicy& in_use,
                     const IdentityKinds& kinds, const std::string& file);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_LOG_H_
