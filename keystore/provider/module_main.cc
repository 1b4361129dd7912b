// The one symbol of keyward.so.
#include <openssl/core_dispatch.h>

#include "keystore/provider/provider.h"

extern "C" __attribute__((visibility("default"))) int OSSL_provider_init(
    const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* in, const OSSL_DISPATCH** out,
    void** provctx) {
  return keyward::provider::InitProvider(handle, in, out, provctx, /*compiled_in=*/false);
}
