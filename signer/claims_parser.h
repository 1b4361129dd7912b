// Reading of a flat JSON object of claims, for signer/claims_policy.
#ifndef KEYWARD_SIGNER_CLAIMS_PARSER_H_
#define KEYWARD_SIGNER_CLAIMS_PARSER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "keystore/registry/registry.h"

namespace keyward::signer {

enum class Claim : uint8_t { kIss, kSub, kAud, kExp, kIat, kNbf, kJti };
inline constexpr size_t kClaimCount = 7;

// What a claims set says. Texts are compared with the connection's settings
// while they are read.
struct ReadClaims {
  std::array<bool, kClaimCount> present{};
  bool iss_matches = false;
  // The text itself, without its escapes, where it is one of the connection's subjects or one of
  // its subject patterns stands for it.
  std::optional<std::string> subject;
  // Into the settings; null where none is equal.
  const std::string* audience = nullptr;
  // Seconds since 1970-01-01T00:00:00Z, at most 2^63-1.
  uint64_t exp = 0;
  uint64_t iat = 0;
  uint64_t nbf = 0;

  bool Has(Claim claim) const { return present[static_cast<size_t>(claim)]; }
};

// Reads `claims_json` into `read`; its form is as CheckClaims() says. Every
// error is INVALID_ARGUMENT with a reason. `settings` must outlive `read`.
absl::Status ParseClaims(absl::string_view claims_json,
                         const registry::ConnectionSettings& settings, ReadClaims& read);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CLAIMS_PARSER_H_
