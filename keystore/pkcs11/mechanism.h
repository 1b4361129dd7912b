// Signature algorithms as PKCS#11 mechanisms.
#ifndef KEYWARD_KEYSTORE_PKCS11_MECHANISM_H_
#define KEYWARD_KEYSTORE_PKCS11_MECHANISM_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/cryptoki.h"

namespace keyward::pkcs11 {

// How a token makes an RS256 signature (RFC 7518 section 3.3: RSASSA-PKCS1-v1_5
// with SHA-256). All tokens that do RSA signing know the first form; the second
// is for those that refuse it.
enum class Rs256Mechanism {
  // CKM_RSA_PKCS over the DigestInfo that we make: the payload stays here.
  kDigestInfo,
  // CKM_SHA256_RSA_PKCS: the token hashes.
  kHashOnToken,
};

// The form that the token in `slot` supports for RSA keys of 2048 bits.
// FAILED_PRECONDITION where it has neither.
absl::StatusOr<Rs256Mechanism> ChooseRs256(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot);

CK_MECHANISM_TYPE MechanismType(Rs256Mechanism mechanism);

// What C_Sign is given to sign `message` with this mechanism: the DER of
// DigestInfo (RFC 8017 section 9.2), or the message itself.
std::string SigningInput(Rs256Mechanism mechanism, absl::string_view message);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_MECHANISM_H_
