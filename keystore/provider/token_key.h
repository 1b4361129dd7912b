// A private key on a token.
#ifndef KEYWARD_KEYSTORE_PROVIDER_TOKEN_KEY_H_
#define KEYWARD_KEYSTORE_PROVIDER_TOKEN_KEY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "keystore/pkcs11/object_finder.h"
#include "keystore/pkcs11/public_key.h"
#include "keystore/provider/private_key.h"
#include "keystore/provider/token_access.h"

namespace keyward::provider {

// Signs with whatever object of the token has this key's label, CKA_ID and public
// half. The object is looked up once for each generation of sessions, not for each
// signature. A session that the token has lost is replaced, and the call tried once
// more. Thread-safe.
class TokenKey : public PrivateKey {
 public:
  // `wanted` finds the private key; `public_half` is its public key.
  TokenKey(std::shared_ptr<TokenAccess> token, pkcs11::ObjectTemplate wanted,
           pkcs11::PublicKeyValue public_half, size_t signature_bytes);

  // kTokenFailed, with the CKR_ code and a sentence; kKeyChanged where the token has
  // no such key any more.
  absl::StatusOr<std::string> SignDigest(const pkcs11::SignatureScheme& scheme,
                                         absl::string_view digest) const override;
  std::string Uri() const override;

 private:
  absl::StatusOr<CK_OBJECT_HANDLE> HandleIn(const SessionLease& lease) const;
  absl::StatusOr<CK_OBJECT_HANDLE> Find(const pkcs11::Session& session) const;

  const std::shared_ptr<TokenAccess> token_;
  const pkcs11::ObjectTemplate wanted_;
  const pkcs11::PublicKeyValue public_half_;
  const size_t signature_bytes_;

  mutable Mutex mutex_;
  mutable uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable CK_OBJECT_HANDLE handle_ ABSL_GUARDED_BY(mutex_) = CK_INVALID_HANDLE;
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_TOKEN_KEY_H_
