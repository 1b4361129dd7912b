// Fourth step of the signing path: what the claims of a connection may say.
#ifndef KEYWARD_SIGNER_CLAIMS_POLICY_H_
#define KEYWARD_SIGNER_CLAIMS_POLICY_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/registry/registry.h"

namespace keyward::signer {

inline constexpr size_t kMaxClaimsBytes = 4096;
inline constexpr size_t kMaxJtiBytes = 255;

// The signer's settings, limits.… in signer.yaml.
struct ClaimsLimits {
  // How far away `exp` may be.
  absl::Duration max_lifetime;
  // How far a caller's clock may be off before its `iat` or `nbf` is refused.
  absl::Duration clock_skew;
};

// What the audit record and the answer need of an accepted claims set.
struct AcceptedClaims {
  absl::Time exp;
  // As the claims say it, without JSON's escapes.
  std::string sub;
  std::string aud;
};

// Decides whether `claims_json`, the bytes that would be signed, is a JWT claims
// set (RFC 7519 section 4) that this connection may send to Salesforce at `now`:
// one JSON object (RFC 8259) in UTF-8, at most kMaxClaimsBytes long, without a
// byte order mark, with no names beyond iss, sub, aud, exp, iat, nbf and jti, and
// none of them twice, also when written with escapes. Times are JSON integers
// from 0 to 2^63-1 without sign, fraction or exponent, and
//   now < exp <= now + max_lifetime: no clock skew is allowed for here, an
//       assertion must not live longer because a clock is wrong;
//   now - max_lifetime - clock_skew <= iat <= now + clock_skew, and iat <= exp:
//       RFC 7523 section 3 lets claims be refused that are unreasonably old;
//   nbf <= now + clock_skew, and nbf < exp: else they would never be valid.
// `sub` is one of the connection's subjects or fits one of its subject patterns.
// `jti` is 1 to kMaxJtiBytes bytes of printable text. That one is not used twice is
// for Salesforce to see.
//
// Errors, each with a reason of its own (docs/errors.md has them all):
//   INVALID_ARGUMENT     CLAIMS_…  not such an object
//   PERMISSION_DENIED    CLAIMS_…  well-formed, but not what this connection may say
//   FAILED_PRECONDITION  CONSUMER_KEY_MISSING
// Their sentences hold names of claims, never values. Thread-safe.
absl::StatusOr<AcceptedClaims> CheckClaims(absl::string_view claims_json,
                                           const registry::ConnectionSettings& settings,
                                           absl::Time now, const ClaimsLimits& limits);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CLAIMS_POLICY_H_
