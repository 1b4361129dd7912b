// Trying a call again while that can help. Internal to the client library.
#ifndef KEYWARD_CLIENT_RETRY_H_
#define KEYWARD_CLIENT_RETRY_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/retry_policy.h"

namespace keyward::client {

// Runs `attempt` until it succeeds, fails with an error that waiting does not
// help, or the next try would begin after `deadline` or be one more than
// `policy` allows; returns what the last one returned. Waiting helps after
// UNAVAILABLE, and after RESOURCE_EXHAUSTED that says how long.
absl::Status CallWithRetries(const RetryPolicy& policy, absl::Time deadline,
                             absl::FunctionRef<absl::Status()> attempt);

// INVALID_ARGUMENT OPTIONS_INVALID for a policy that makes no sense.
absl::Status CheckRetryPolicy(const RetryPolicy& policy);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_RETRY_H_
