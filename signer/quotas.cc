#include "signer/quotas.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::signer {
namespace {

// Of identities, and of connections. A bucket takes some 100 bytes.
constexpr size_t kMaxBuckets = 65536;

absl::Duration SteadyTime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// Says how much is allowed, so that whoever calls can adapt, but not to whom else.
absl::Status Exceeded(absl::string_view whose, const Quota& quota, absl::Duration until_next) {
  const absl::Status status =
      Error(absl::StatusCode::kResourceExhausted, "QUOTA_EXCEEDED",
            absl::StrCat("the quota of this ", whose, " is used up: ", quota.per_second,
                         " calls a second, ", quota.burst, " at once; try again later"));
  // A retry delay has whole milliseconds: upwards, or the token would not be there.
  return WithMetadata(WithRetryDelay(status, absl::Ceil(until_next, absl::Milliseconds(1))),
                      "quota", whose);
}

absl::Status Take(const Quota* quota, absl::string_view whose, absl::string_view key,
                  const Quotas::SteadyNow& now, TokenBuckets& buckets,
                  std::atomic<uint64_t>& refused) {
  if (quota == nullptr) return absl::OkStatus();
  const absl::Duration until_next = buckets.Take(key, quota->per_second, quota->burst, now());
  if (until_next == absl::ZeroDuration()) return absl::OkStatus();
  ++refused;
  return Exceeded(whose, *quota, until_next);
}

}  // namespace

Quotas::Quotas() : Quotas(&SteadyTime) {}

Quotas::Quotas(SteadyNow now)
    : now_(std::move(now)), identities_(kMaxBuckets), connections_(kMaxBuckets) {}

absl::Status Quotas::TakeOfIdentity(const AuthorizationPolicy& policy, absl::string_view identity) {
  return Take(policy.QuotaOfIdentity(identity), "identity", identity, now_, identities_,
              refused_of_identity_);
}

absl::Status Quotas::TakeOfConnection(const AuthorizationPolicy& policy,
                                      absl::string_view connection) {
  return Take(policy.QuotaOfConnection(connection), "connection", connection, now_, connections_,
              refused_of_connection_);
}

}  // namespace keyward::signer
