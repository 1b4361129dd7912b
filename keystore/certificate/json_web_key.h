// Verification keys as JSON Web Keys (RFC 7517), for verifiers that follow rotation.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_JSON_WEB_KEY_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_JSON_WEB_KEY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace keyward {

// What a JWK is made of.
struct VerificationKey {
  // Holds the RSA key.
  std::string certificate_der;
  // Above it, in issuing order.
  std::vector<std::string> certificate_chain;
  // JOSE algorithm: "RS256".
  std::string algorithm;
  std::string kid;
};

// {"kty":"RSA","use":"sig","alg":…,"kid":…,"n":…,"e":…,"x5c":[…],"x5t#S256":…}
// without white space and in this order (RFC 7518 section 6.3.1, RFC 7517
// sections 4.7 and 4.9). INVALID_ARGUMENT where the certificate does not parse or is
// not for an RSA key, or a text is not UTF-8.
absl::StatusOr<std::string> JsonWebKey(const VerificationKey& key);

// {"keys":[…]} with the keys in the order given. Errors as JsonWebKey().
absl::StatusOr<std::string> JsonWebKeySet(absl::Span<const VerificationKey> keys);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_JSON_WEB_KEY_H_
