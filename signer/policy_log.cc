#include "signer/policy_log.h"

#include <spdlog/spdlog.h>

#include "common/utf8.h"
#include "signer/policy_warnings.h"

namespace keyward::signer {

void LogPolicy(const AuthorizationPolicy& policy, const IdentityKinds& kinds,
               const std::string& file) {
  spdlog::info("policy: {} roles are in use, of the file with SHA-256 {}", policy.role_count(),
               policy.sha256());
  for (const std::string& warning : policy.warnings()) {
    spdlog::warn("policy: {}", Printable(warning));
  }
  for (const std::string& warning : UnusedKindWarnings(policy, kinds, file)) {
    spdlog::warn("policy: {}", Printable(warning));
  }
}

void LogPolicyReload(const PolicyReload& reload, const AuthorizationPolicy& in_use,
                     const IdentityKinds& kinds, const std::string& file) {
  if (!reload.status.ok()) {
    spdlog::error("policy: the changed file is not used, the former one (SHA-256 {}) is: {}",
                  reload.old_sha256, Printable(reload.status.message()));
  } else if (reload.old_sha256 == reload.new_sha256) {
    spdlog::info("policy: the file is again the one in use");
  } else {
    LogPolicy(in_use, kinds, file);
  }
}

}  // namespace keyward::signer
