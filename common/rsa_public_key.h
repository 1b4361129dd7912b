// RSA public keys: in OpenSSL's form, as a thumbprint, and to verify with.
#ifndef KEYWARD_COMMON_RSA_PUBLIC_KEY_H_
#define KEYWARD_COMMON_RSA_PUBLIC_KEY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/openssl.h"

namespace keyward {

// `modulus` and `public_exponent` are big-endian, as a token gives them.
absl::StatusOr<EvpPkeyPtr> MakeRsaPublicKey(absl::string_view modulus,
                                            absl::string_view public_exponent);

// The public key of a DER certificate. INVALID_ARGUMENT where it does not parse
// or its key is not RSA.
absl::StatusOr<EvpPkeyPtr> PublicKeyOfCertificate(absl::string_view certificate_der);

// The modulus of an RSA key, big-endian without leading zeros.
absl::StatusOr<std::string> ModulusOf(const EVP_PKEY& key);

// Modulus and public exponent as a JWK holds them: Base64urlUInt of RFC 7518
// section 2.
struct RsaJwkMembers {
  std::string n;
  std::string e;
};

// INTERNAL where the key is not RSA.
absl::StatusOr<RsaJwkMembers> RsaJwkMembersOf(const EVP_PKEY& key);

// SHA-256 JWK thumbprint (RFC 7638) of an RSA key, base64url without padding.
absl::StatusOr<std::string> JwkThumbprint(const EVP_PKEY& key);

// OK where `signature` is the RS256 signature (RFC 7518 section 3.3) of `message`
// by `key`. Thread-safe.
absl::Status VerifyRs256(const EVP_PKEY& key, absl::string_view message,
                         absl::string_view signature);

}  // namespace keyward

#endif  // KEYWARD_COMMON_RSA_PUBLIC_KEY_H_
