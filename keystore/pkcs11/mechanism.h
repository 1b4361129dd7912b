// Signature algorithms as PKCS#11 mechanisms.
#ifndef KEYWARD_KEYSTORE_PKCS11_MECHANISM_H_
#define KEYWARD_KEYSTORE_PKCS11_MECHANISM_H_

#include <cstddef>
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

// The hash functions that signatures are made with (FIPS 180-4).
enum class HashAlgorithm { kSha256, kSha384, kSha512 };

// How long a digest is.
size_t DigestBytes(HashAlgorithm hash);

// A signature over a digest that the caller made.
struct SignatureScheme {
  enum class Kind { kRsaPkcs1, kRsaPss, kEcdsa };
  Kind kind = Kind::kRsaPkcs1;
  HashAlgorithm digest = HashAlgorithm::kSha256;
  // For kRsaPss alone: the hash of its mask generation function and the length of
  // its salt (RFC 8017 section 9.1).
  HashAlgorithm mgf1_digest = HashAlgorithm::kSha256;
  size_t salt_bytes = 0;
};

// A scheme as Cryptoki is told of it. Not copied or moved: `mechanism` points to
// `pss`.
struct SchemeMechanism {
  explicit SchemeMechanism(const SignatureScheme& scheme);
  SchemeMechanism(const SchemeMechanism&) = delete;
  SchemeMechanism& operator=(const SchemeMechanism&) = delete;

  CK_RSA_PKCS_PSS_PARAMS pss;
  CK_MECHANISM mechanism;
};

// What C_Sign is given to sign `digest`, whose length must be the scheme's:
// DigestInfo for RSA PKCS#1, else the digest, cut to `order_bytes` for ECDSA.
std::string SigningInput(const SignatureScheme& scheme, absl::string_view digest,
                         size_t order_bytes);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_MECHANISM_H_
