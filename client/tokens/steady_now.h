// A clock that nobody sets.
#ifndef KEYWARD_CLIENT_TOKENS_STEADY_NOW_H_
#define KEYWARD_CLIENT_TOKENS_STEADY_NOW_H_

#include "absl/time/time.h"

namespace keyward::client {

// What the wall clock said when the process first asked, and what has passed since: it
// goes on evenly when the wall clock is set. For waits, pauses and lifetimes; not for
// what others read, such as the times of an assertion. Thread-safe.
absl::Time SteadyNow();

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_STEADY_NOW_H_
