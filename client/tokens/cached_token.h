// An access token as the cache keeps it.
#ifndef KEYWARD_CLIENT_TOKENS_CACHED_TOKEN_H_
#define KEYWARD_CLIENT_TOKENS_CACHED_TOKEN_H_

#include <string>

#include "absl/time/time.h"
#include "client/token_exchange.h"

namespace keyward::client {

// Immutable and shared; wiped when the last one lets go of it.
struct CachedToken {
  // What Salesforce granted.
  AccessToken granted;
  // The `aud` that it was granted for.
  std::string audience;
  // From when it is not given out any more, by the wall clock of when it was made: for
  // callers.
  absl::Time expires;
  // When it was made, and the same end, by the scheduler's clock.
  absl::Time made;
  absl::Time ends;
  // Made because its predecessor was rejected.
  bool after_rejection = false;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_CACHED_TOKEN_H_
