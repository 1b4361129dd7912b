// One signature or verification in progress.
#ifndef KEYWARD_KEYSTORE_PROVIDER_SIGNATURE_CONTEXT_H_
#define KEYWARD_KEYSTORE_PROVIDER_SIGNATURE_CONTEXT_H_

#include <openssl/core.h>
#include <openssl/rsa.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/provider/key.h"

namespace keyward::provider {

// The state behind OpenSSL's EVP_PKEY_CTX and EVP_MD_CTX: key, digest, padding.
// Hashing and verification happen in software, in the provider's private library
// context; signing is the PrivateKey's. Used by one thread at a time.
class SignatureContext {
 public:
  enum class Operation { kSign, kVerify };

  explicit SignatureContext(const ProviderContext& provider);

  // Begins anew with `key`; null keeps the one there is. kPrivateKeyMissing for
  // kSign with a public key.
  absl::Status Begin(const Key* key, Operation operation);

  // The parameters of OSSL_SIGNATURE_PARAM_…: digest, pad-mode, saltlen,
  // mgf1-digest. Others are ignored.
  absl::Status SetParams(const OSSL_PARAM params[]);
  // The same and algorithm-id.
  absl::Status GetParams(OSSL_PARAM params[]) const;

  // Sets the digest and starts to hash. An empty name is SHA-256.
  absl::Status BeginDigest(absl::string_view name);
  absl::Status UpdateDigest(absl::string_view data);
  absl::StatusOr<std::string> FinishDigest();

  // The signature in OpenSSL's form (ECDSA: DER). It has been verified with the
  // public key. kDigestWrongLength, kSaltTooLong, kPaddingUnsupported.
  absl::StatusOr<std::string> Sign(absl::string_view digest) const;

  // Whether `signature` is one of `digest`.
  absl::StatusOr<bool> Verify(absl::string_view signature, absl::string_view digest) const;

  // No signature is longer.
  size_t MaxSignatureBytes() const;

  // A copy with the digest so far, which goes its own way.
  absl::StatusOr<std::unique_ptr<SignatureContext>> Copy() const;

  const ProviderContext& provider() const { return *provider_; }

 private:
  absl::Status SetDigest(absl::string_view name);
  absl::Status SetPadding(const OSSL_PARAM& param);
  absl::Status SetSaltLength(const OSSL_PARAM& param);
  // What is signed with a digest of `digest_bytes`.
  absl::StatusOr<pkcs11::SignatureScheme> Scheme(size_t digest_bytes) const;
  absl::StatusOr<size_t> SaltBytes(size_t digest_bytes) const;
  absl::StatusOr<bool> VerifyWith(const pkcs11::SignatureScheme& scheme, int salt_length,
                                  absl::string_view signature, absl::string_view digest) const;

  const ProviderContext* provider_;
  std::unique_ptr<Key> key_;
  std::optional<pkcs11::HashAlgorithm> digest_;
  EvpMdCtxPtr hashing_;
  // RSA alone. RSA_PSS_SALTLEN_AUTO is the longest when signing and any when
  // verifying, as in OpenSSL 3.0.
  int padding_ = RSA_PKCS1_PADDING;
  int salt_length_ = RSA_PSS_SALTLEN_AUTO;
  std::optional<pkcs11::HashAlgorithm> mgf1_digest_;
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_SIGNATURE_CONTEXT_H_
