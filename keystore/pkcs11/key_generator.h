// Making and destroying key pairs on a token.
#ifndef KEYWARD_KEYSTORE_PKCS11_KEY_GENERATOR_H_
#define KEYWARD_KEYSTORE_PKCS11_KEY_GENERATOR_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

// The public half of a key pair on the token, and where the private half is.
struct TokenKeyPair {
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  // Big-endian, as PKCS#11 and RFC 8017 write them.
  std::string modulus;
  std::string public_exponent;
};

// A CKA_ID for a new key pair: 16 random bytes.
absl::StatusOr<std::string> NewKeyId();

// Generates an RSA key pair (e = 65537) that never leaves the token, with this
// label and CKA_ID on both halves, and checks the attributes that it got. A pair
// that does not pass is destroyed again and is an error. `session` must be
// read-write, and used for one generation at a time.
absl::StatusOr<TokenKeyPair> GenerateRsaKeyPair(const Session& session, absl::string_view label,
                                                absl::string_view key_id, uint32_t modulus_bits);

// The pair with this CKA_ID: NOT_FOUND unless exactly one private and one public
// key are there, FAILED_PRECONDITION where the private key is not as
// CheckGeneratedKey() wants it.
absl::StatusOr<TokenKeyPair> FindRsaKeyPair(const Session& session, absl::string_view key_id);

// Destroys every private key, public key and certificate with this CKA_ID and checks
// that none is left. None there is no error. `session` must be read-write.
absl::Status DestroyKeyPair(const Session& session, absl::string_view key_id);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_KEY_GENERATOR_H_
