// The policy in use, which a reload replaces as a whole.
#ifndef KEYWARD_SIGNER_POLICY_HOLDER_H_
#define KEYWARD_SIGNER_POLICY_HOLDER_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"
#include "signer/authorization_policy.h"

namespace keyward::signer {

// Whoever decides takes the policy once and keeps it until the call is decided, so that
// no call is decided by two policies. Thread-safe.
class PolicyHolder {
 public:
  // `policy` is not null, here and below.
  explicit PolicyHolder(std::shared_ptr<const AuthorizationPolicy> policy)
      : policy_(std::move(policy)) {}

  std::shared_ptr<const AuthorizationPolicy> Get() const {
    const MutexLock lock(&mutex_);
    return policy_;
  }

  void Set(std::shared_ptr<const AuthorizationPolicy> policy) {
    // The former one is let go after the lock.
    const MutexLock lock(&mutex_);
    policy_.swap(policy);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const AuthorizationPolicy> policy_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_HOLDER_H_
