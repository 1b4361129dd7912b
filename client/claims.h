// The claims of a Salesforce JWT-bearer assertion (RFC 7523 section 3).
#ifndef KEYWARD_CLIENT_CLAIMS_H_
#define KEYWARD_CLIENT_CLAIMS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace keyward::client {

// How long an assertion is good for when nobody says otherwise.
inline constexpr absl::Duration kDefaultAssertionLifetime = absl::Seconds(180);
// What a signer never exceeds; it may be configured to allow less.
inline constexpr absl::Duration kMaxAssertionLifetime = absl::Seconds(300);
// The longest claims set that a signer reads, in bytes.
inline constexpr size_t kMaxClaimsBytes = 4096;

struct Claims {
  // `iss`: the app's consumer key, 1 to 512 printable ASCII characters.
  std::string consumer_key;
  // `sub`: the Salesforce user name, UTF-8 without control characters.
  std::string subject;
  // `aud`: one audience, for most orgs the login URL; UTF-8 without control
  // characters.
  std::string audience;
  // `exp` is this long after `now`: whole seconds, 1 to 300.
  absl::Duration lifetime = kDefaultAssertionLifetime;
};

// The claims set as the UTF-8 JSON bytes to be signed: `iss`, `sub`, `aud` (a
// single string, which Salesforce insists on) and `exp` (integer seconds since
// 1970-01-01T00:00:00Z, RFC 7519 section 4.1.4). Fractions of a second of `now`
// are dropped, so the assertion never lives longer than `lifetime`.
//
// INVALID_ARGUMENT, with the reason CLAIMS_INVALID, names the field that is
// empty, malformed or out of range. Safe to call from any thread.
absl::StatusOr<std::string> BuildClaims(const Claims& claims, absl::Time now = absl::Now());

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLAIMS_H_
