// What one loaded copy of the provider has: its settings, its place on OpenSSL's
// error queue, and a library context of its own.
#ifndef KEYWARD_KEYSTORE_PROVIDER_PROVIDER_CONTEXT_H_
#define KEYWARD_KEYSTORE_PROVIDER_PROVIDER_CONTEXT_H_

#include <openssl/core.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/openssl.h"
#include "keystore/provider/error_queue.h"
#include "keystore/provider/token_cache.h"

namespace keyward::provider {

// From the provider's section of openssl.cnf; empty where it says nothing.
struct Settings {
  // pkcs11-module: path of the PKCS#11 module for URIs without module-path. Not
  // called module, as that is where OpenSSL finds the provider itself.
  std::string module;
  // Label or pkcs11: URI of the token for URIs that name none.
  std::string token;
  // A path or file: URI, for URIs without a PIN.
  std::string pin_source;
  // Whether there is such a section, and not a call of OSSL_PROVIDER_load() alone.
  bool configured = false;
};

// Hashing, verification and decoding of public keys happen in a private
// OSSL_LIB_CTX with OpenSSL's default provider, so that they do not depend on what
// the application has loaded, and never come back to this provider. Thread-safe.
class ProviderContext {
 public:
  // kWrongOrder where the program loads the provider by itself; see order().
  static absl::StatusOr<std::unique_ptr<ProviderContext>> New(const OSSL_CORE_HANDLE* handle,
                                                              const OSSL_DISPATCH* core,
                                                              bool compiled_in);

  OSSL_LIB_CTX* library_context() const { return library_context_.get(); }
  const ErrorQueue& errors() const { return errors_; }
  const Settings& settings() const { return settings_; }
  // Whether this is the copy in our own programs (compiled_in.h), which takes keys
  // that sign by a PrivateKey of the program's.
  bool compiled_in() const { return compiled_in_; }
  // kWrongOrder where openssl.cnf has the provider in the wrong place. OpenSSL drops the
  // errors of a provider that does not start from there, so it starts, offers no key,
  // and says this to whoever uses a URI.
  const absl::Status& order() const { return order_; }
  // Tokens that this copy has opened; they stay open as long as it is loaded.
  TokenCache& tokens() const { return tokens_; }

 private:
  using LibraryContext = std::unique_ptr<OSSL_LIB_CTX, OpensslDeleter<&OSSL_LIB_CTX_free>>;
  using DefaultProvider = std::unique_ptr<OSSL_PROVIDER, OpensslDeleter<&OSSL_PROVIDER_unload>>;

  ProviderContext(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core, bool compiled_in);

  ErrorQueue errors_;
  bool compiled_in_;
  Settings settings_;
  LibraryContext library_context_;
  DefaultProvider default_provider_;
  absl::Status order_;
  mutable TokenCache tokens_;
};

// What OpenSSL hands back as `provctx`.
inline const ProviderContext& ContextOf(const void* provctx) {
  return *static_cast<const ProviderContext*>(provctx);
}

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_PROVIDER_CONTEXT_H_
