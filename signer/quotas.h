// How much each caller, and what each connection, may ask for: the quotas of policy.yaml.
#ifndef KEYWARD_SIGNER_QUOTAS_H_
#define KEYWARD_SIGNER_QUOTAS_H_

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "signer/authorization_policy.h"
#include "signer/token_buckets.h"

namespace keyward::signer {

// How many calls were refused, since the start.
struct QuotaRefusals {
  uint64_t of_identity = 0;
  uint64_t of_connection = 0;
};

// The buckets behind the quotas of whatever policy holds. They live through its reloads: one
// whose rate and burst are as before keeps its tokens. Memory is bounded. Thread-safe.
class Quotas {
 public:
  // A steady clock's time since any moment of its own.
  using SteadyNow = std::function<absl::Duration()>;

  Quotas();
  explicit Quotas(SteadyNow now);

  // Takes a token for one call of `identity`, or for one call about `connection`. OK at once
  // where `policy` has no quota for it. `connection` must be the name of one that exists:
  // who may make names up may not fill the memory.
  //
  // Error: RESOURCE_EXHAUSTED QUOTA_EXCEEDED, with the time until there is a token, in whole
  // milliseconds, as its retry delay; nothing was taken then.
  absl::Status TakeOfIdentity(const AuthorizationPolicy& policy, absl::string_view identity);
  absl::Status TakeOfConnection(const AuthorizationPolicy& policy, absl::string_view connection);

  QuotaRefusals refusals() const { return {refused_of_identity_, refused_of_connection_}; }

 private:
  const SteadyNow now_;
  TokenBuckets identities_;
  TokenBuckets connections_;
  std::atomic<uint64_t> refused_of_identity_ = 0;
  std::atomic<uint64_t> refused_of_connection_ = 0;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_QUOTAS_H_
