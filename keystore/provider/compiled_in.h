// The provider compiled into a program of ours.
#ifndef KEYWARD_KEYSTORE_PROVIDER_COMPILED_IN_H_
#define KEYWARD_KEYSTORE_PROVIDER_COMPILED_IN_H_

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <memory>

#include "absl/status/statusor.h"
#include "common/openssl.h"
#include "keystore/provider/private_key.h"

namespace keyward::provider {

// A library context of its own, with OpenSSL's default provider and this one, so that
// what the program and the PKCS#11 module do with OpenSSL never meets it. Keys made
// with it must be freed before it. Thread-safe.
class SigningContext {
 public:
  // INTERNAL, with OpenSSL's reason.
  static absl::StatusOr<std::unique_ptr<SigningContext>> New();
  SigningContext(const SigningContext&) = delete;
  SigningContext& operator=(const SigningContext&) = delete;

  // For OpenSSL's functions that take one, such as X509_new_ex().
  OSSL_LIB_CTX* library_context() const { return library_context_.get(); }

  // A key with the public half of `public_key`, which may be of any provider or
  // context, whose private operations call `private_key`. INTERNAL where it is not
  // RSA, RSA-PSS, or EC on P-256 or P-384.
  absl::StatusOr<EvpPkeyPtr> MakeKey(const EVP_PKEY& public_key,
                                     std::shared_ptr<const PrivateKey> private_key) const;

 private:
  using LibraryContext = std::unique_ptr<OSSL_LIB_CTX, OpensslDeleter<&OSSL_LIB_CTX_free>>;
  using Provider = std::unique_ptr<OSSL_PROVIDER, OpensslDeleter<&OSSL_PROVIDER_unload>>;

  SigningContext() = default;

  LibraryContext library_context_;
  Provider default_provider_;
  Provider keyward_;
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_COMPILED_IN_H_
