#include "client/retry.h"

#include <algorithm>
#include <optional>

#include "absl/random/random.h"
#include "absl/time/clock.h"
#include "common/error.h"

namespace keyward::client {
namespace {

bool WaitingHelps(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         (status.code() == absl::StatusCode::kResourceExhausted &&
          RetryDelayOf(status).has_value());
}

// Spread, so that callers refused together do not come back together. Never
// shorter than what the server asked for.
absl::Duration Delay(const absl::Status& status, absl::Duration backoff, absl::BitGen& random) {
  const double spread = absl::Uniform(random, 0.5, 1.0);
  const std::optional<absl::Duration> asked = RetryDelayOf(status);
  if (asked) return *asked + *asked * (spread - 0.5);
  return backoff * spread;
}

}  // namespace

absl::Status CallWithRetries(const RetryPolicy& policy, absl::Time deadline,
                             absl::FunctionRef<absl::Status()> attempt) {
  absl::Status status = attempt();
  if (status.ok() || !WaitingHelps(status)) return status;
  absl::BitGen random;
  absl::Duration backoff = policy.initial_backoff;
  for (int tries = 1; tries < policy.max_attempts; ++tries) {
    const absl::Duration delay = Delay(status, backoff, random);
    if (absl::Now() + delay >= deadline) return status;
    absl::SleepFor(delay);
    status = attempt();
    if (status.ok() || !WaitingHelps(status)) return status;
    backoff = std::min(backoff * 2, policy.max_backoff);
  }
  return status;
}

absl::Status CheckRetryPolicy(const RetryPolicy& policy) {
  if (policy.max_attempts >= 1 && policy.initial_backoff >= absl::ZeroDuration() &&
      policy.max_backoff >= policy.initial_backoff) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
               "a retry policy's max_attempts must be at least 1, and its max_backoff not shorter "
               "than its initial_backoff");
}

}  // namespace keyward::client
