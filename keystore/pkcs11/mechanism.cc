#include "keystore/pkcs11/mechanism.h"

#include <cstdint>

#include "common/openssl.h"

namespace keyward::pkcs11 {
namespace {

constexpr CK_ULONG kKeyBits = 2048;

// DigestInfo { AlgorithmIdentifier sha256, OCTET STRING (32 bytes) } up to the
// digest itself: RFC 8017 section 9.2, note 1.
constexpr uint8_t kSha256DigestInfoPrefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                               0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                               0x01, 0x05, 0x00, 0x04, 0x20};

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
  std::string digest_info(std::begin(kSha256DigestInfoPrefix), std::end(kSha256DigestInfoPrefix));
  digest_info.append(digest.begin(), digest.end());
  return digest_info;
}

}  // namespace keyward::pkcs11
