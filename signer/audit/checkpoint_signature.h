// A signature over a checkpoint of the audit log.
#ifndef KEYWARD_SIGNER_AUDIT_CHECKPOINT_SIGNATURE_H_
#define KEYWARD_SIGNER_AUDIT_CHECKPOINT_SIGNATURE_H_

#include <cstdint>
#include <string>

namespace keyward::signer {

struct CheckpointSignature {
  // RSASSA-PKCS1-v1_5 with SHA-256: raw bytes.
  std::string signature;
  // Which key of the audit log made it: RFC 7638 thumbprint, base64url, and the number of
  // the version.
  std::string kid;
  uint32_t key_version = 0;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_CHECKPOINT_SIGNATURE_H_
