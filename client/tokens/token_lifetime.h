// When a token ends, when it is made anew, and how long failures are remembered.
// Internal to client/tokens.
#ifndef KEYWARD_CLIENT_TOKENS_TOKEN_LIFETIME_H_
#define KEYWARD_CLIENT_TOKENS_TOKEN_LIFETIME_H_

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/tokens/access_tokens.h"

namespace keyward::client {

// OPTIONS_INVALID names the option that is out of range.
absl::Status CheckOptions(const AccessTokensOptions& options);

// When a token granted at `now`, which is `wall_now` for the one who wrote its `exp`, ends
// for us, by the clock of `now`. Never at once, even if its `exp` says so:
// then one of the two clocks is wrong, and every call would log in.
absl::Time EndOf(const AccessToken& granted, absl::Time now, absl::Time wall_now,
                 const AccessTokensOptions& options);

// When a token made at `made` is to be made anew.
absl::Time RefreshTime(absl::Time made, absl::Time expires, const AccessTokensOptions& options,
                       absl::BitGen& random);

// Whether another try may succeed though nobody changes anything (see Login).
bool IsPassing(const absl::Status& failure);

// How long to wait after `failure`, the `failures`th in a row: what it asks for, else
// the backoff of a passing one or the memory of a refusal, which is short for a freeze.
absl::Duration PauseAfter(const absl::Status& failure, int failures,
                          const AccessTokensOptions& options, absl::BitGen& random);

// `failure` as it is answered at `now` while it is remembered until `until`: with
// what is left where waiting can help, which it can after some refusals too, for what
// was set up just now in Salesforce may not have reached all its servers.
absl::Status AsAnswered(const absl::Status& failure, absl::Time until, absl::Time now);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_TOKEN_LIFETIME_H_
