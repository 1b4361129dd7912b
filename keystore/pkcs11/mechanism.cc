#include "keystore/pkcs11/mechanism.h"

#include <cstdint>

#include "common/openssl.h"

namespace keyward::pkcs11 {
namespace {

constexpr CK_ULONG kKeyBits = 2048;

// DigestInfo { AlgorithmIdentifier, OCTET STRING } up to the digest itself:
// RFC 8017 section 9.2, note 1.
constexpr size_t kPrefixBytes = 19;
constexpr uint8_t kSha256Prefix[kPrefixBytes] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                 0x01, 0x05, 0x00, 0x04, 0x20};
constexpr uint8_t kSha384Prefix[kPrefixBytes] = {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                 0x02, 0x05, 0x00, 0x04, 0x30};
constexpr uint8_t kSha512Prefix[kPrefixBytes] = {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                                 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                                 0x03, 0x05, 0x00, 0x04, 0x40};

// What Cryptoki and DigestInfo call a hash function.
struct HashNames {
  size_t bytes;
  CK_MECHANISM_TYPE mechanism;
  CK_RSA_PKCS_MGF_TYPE mgf1;
  const uint8_t* prefix;
};

constexpr HashNames kSha256 = {32, CKM_SHA256, CKG_MGF1_SHA256, kSha256Prefix};
constexpr HashNames kSha384 = {48, CKM_SHA384, CKG_MGF1_SHA384, kSha384Prefix};
constexpr HashNames kSha512 = {64, CKM_SHA512, CKG_MGF1_SHA512, kSha512Prefix};

const HashNames& NamesOf(HashAlgorithm hash) {
  switch (hash) {
    case HashAlgorithm::kSha384:
      return kSha384;
    case HashAlgorithm::kSha512:
      return kSha512;
    case HashAlgorithm::kSha256:
      break;
  }
  return kSha256;
}

std::string DigestInfo(HashAlgorithm hash, absl::string_view digest) {
  std::string digest_info;
  digest_info.reserve(kPrefixBytes + digest.size());
  digest_info.append(reinterpret_cast<const char*>(NamesOf(hash).prefix), kPrefixBytes);
  digest_info.append(digest.data(), digest.size());
  return digest_info;
}

CK_MECHANISM_TYPE MechanismType(SignatureScheme::Kind kind) {
  switch (kind) {
    case SignatureScheme::Kind::kRsaPss:
      return CKM_RSA_PKCS_PSS;
    case SignatureScheme::Kind::kEcdsa:
      return CKM_ECDSA;
    case SignatureScheme::Kind::kRsaPkcs1:
      break;
  }
  return CKM_RSA_PKCS;
}

bool CanSign(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot, CK_MECHANISM_TYPE type) {
  CK_MECHANISM_INFO info{};
  return functions.C_GetMechanismInfo(slot, type, &info) == CKR_OK &&
         (info.flags & CKF_SIGN) != 0 && info.ulMinKeySize <= kKeyBits &&
         info.ulMaxKeySize >= kKeyBits;
}

}  // namespace

CK_MECHANISM_TYPE MechanismType(Rs256Mechanism mechanism) {
  return mechanism == Rs256Mechanism::kDigestInfo ? CKM_RSA_PKCS : CKM_SHA256_RSA_PKCS;
}

absl::StatusOr<Rs256Mechanism> ChooseRs256(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot) {
  for (const Rs256Mechanism mechanism :
       {Rs256Mechanism::kDigestInfo, Rs256Mechanism::kHashOnToken}) {
    if (CanSign(functions, slot, MechanismType(mechanism))) return mechanism;
  }
  return absl::FailedPreconditionError(
      "the token cannot sign with RSA-2048: it offers neither CKM_RSA_PKCS nor "
      "CKM_SHA256_RSA_PKCS");
}

std::string SigningInput(Rs256Mechanism mechanism, absl::string_view message) {
  if (mechanism == Rs256Mechanism::kHashOnToken) return std::string(message);
  const Sha256Digest digest = Sha256(message);
  return DigestInfo(HashAlgorithm::kSha256,
                    {reinterpret_cast<const char*>(digest.data()), digest.size()});
}

size_t DigestBytes(HashAlgorithm hash) { return NamesOf(hash).bytes; }

SchemeMechanism::SchemeMechanism(const SignatureScheme& scheme)
    : pss{NamesOf(scheme.digest).mechanism, NamesOf(scheme.mgf1_digest).mgf1,
          static_cast<CK_ULONG>(scheme.salt_bytes)},
      mechanism{MechanismType(scheme.kind), nullptr, 0} {
  if (scheme.kind == SignatureScheme::Kind::kRsaPss) {
    mechanism.pParameter = &pss;
    mechanism.ulParameterLen = sizeof(pss);
  }
}

std::string SigningInput(const SignatureScheme& scheme, absl::string_view digest,
                         size_t order_bytes) {
  switch (scheme.kind) {
    case SignatureScheme::Kind::kRsaPkcs1:
      return DigestInfo(scheme.digest, digest);
    case SignatureScheme::Kind::kEcdsa:
      // ECDSA signs the leftmost bits of a longer digest (FIPS 186-4 section 6.4);
      // some tokens leave it to the caller to cut.
      return std::string(digest.substr(0, order_bytes));
    case SignatureScheme::Kind::kRsaPss:
      break;
  }
  return std::string(digest);
}

}  // namespace keyward::pkcs11
