// Tables of functions as OpenSSL wants them.
#ifndef KEYWARD_KEYSTORE_PROVIDER_DISPATCH_H_
#define KEYWARD_KEYSTORE_PROVIDER_DISPATCH_H_

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

namespace keyward::provider {

// One entry of a table. `Function` is the OSSL_FUNC_…_fn of `id`, given by hand so
// that the compiler checks what the table itself forgets.
template <typename Function>
OSSL_DISPATCH Entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)(void)>(function)};
}

inline constexpr OSSL_DISPATCH kEndOfDispatch = {0, nullptr};

// The property of everything that the provider offers.
inline constexpr char kPropertyQuery[] = "provider=keyward";

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_DISPATCH_H_
