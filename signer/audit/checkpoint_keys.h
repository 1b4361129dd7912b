// The audit key's certificates, by which checkpoints are verified.
#ifndef KEYWARD_SIGNER_AUDIT_CHECKPOINT_KEYS_H_
#define KEYWARD_SIGNER_AUDIT_CHECKPOINT_KEYS_H_

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/openssl.h"

namespace keyward::signer {

// The certificates are trusted as they are: no chain, no revocation.
class CheckpointKeys {
 public:
  struct Key {
    EvpPkeyPtr key;
    // A renewed certificate of the same key widens this.
    absl::Time not_before;
    absl::Time not_after;
  };

  // Adds every certificate in `pem`. INVALID_ARGUMENT AUDIT_CERTIFICATE_INVALID, the sentence
  // to follow the file's name: none is there, one is malformed, or its key is no RSA key.
  absl::Status AddPem(absl::string_view pem);

  // By RFC 7638 thumbprint, base64url; null where there is none. Thread-safe.
  const Key* Find(absl::string_view kid) const;

  size_t size() const { return keys_.size(); }

 private:
  absl::flat_hash_map<std::string, Key> keys_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_CHECKPOINT_KEYS_H_
