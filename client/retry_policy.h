// How calls that may be repeated are repeated.
#ifndef KEYWARD_CLIENT_RETRY_POLICY_H_
#define KEYWARD_CLIENT_RETRY_POLICY_H_

#include "absl/time/time.h"

namespace keyward::client {

// Always within the call's deadline. Delays double from the first to the longest and
// are shortened at random by up to half; where the service says how long to wait, no
// call comes earlier.
struct RetryPolicy {
  // 1 or greater; 1 never repeats.
  int max_attempts = 5;
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(2);
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_RETRY_POLICY_H_
