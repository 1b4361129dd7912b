// The public half of a key pair on a token.
#ifndef KEYWARD_KEYSTORE_PKCS11_PUBLIC_KEY_H_
#define KEYWARD_KEYSTORE_PKCS11_PUBLIC_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

struct PublicKeyValue {
  // CKK_RSA or CKK_EC.
  CK_KEY_TYPE type = CKK_RSA;
  // Of an RSA key, big-endian.
  std::string modulus;
  std::string public_exponent;
  // Of an EC key: CKA_EC_PARAMS, the DER of its curve (RFC 3279 section 2.3.5), and
  // the point in uncompressed form (0x04, x, y), which lies on that curve.
  std::string ec_params;
  std::string ec_point;
};

// The public half of a private or a public key object. What a private key object
// does not hold (an EC point, on most tokens) is taken from the public key with the
// same CKA_ID, or from the certificate where there is no such key.
// FAILED_PRECONDITION, with a sentence, where that is not there or ambiguous, and for
// keys of other types. It may search the token: never on the signing path.
absl::StatusOr<PublicKeyValue> ReadPublicKey(const Session& session, CK_OBJECT_HANDLE object);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_PUBLIC_KEY_H_
