// The OpenSSL 3 provider "keyward" (provider(7)): keys on a PKCS#11 token.
#ifndef KEYWARD_KEYSTORE_PROVIDER_PROVIDER_H_
#define KEYWARD_KEYSTORE_PROVIDER_PROVIDER_H_

#include <openssl/core.h>

namespace keyward::provider {

// Starts one copy of the provider: what OSSL_provider_init() is. Returns 1, or 0 with
// the reason on OpenSSL's error queue. `compiled_in` is for compiled_in.h.
int InitProvider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* core,
                 const OSSL_DISPATCH** functions, void** provctx, bool compiled_in);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_PROVIDER_H_
