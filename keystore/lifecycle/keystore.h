// What every operation on keys works with.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_KEYSTORE_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_KEYSTORE_H_

#include "keystore/lifecycle/turn.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/provider/compiled_in.h"
#include "keystore/registry/registry.h"

namespace keyward {

// All of it outlives the operations.
struct Keystore {
  registry::Registry& registry;
  pkcs11::SessionPool& pool;
  // Where OpenSSL signs certificates with keys of the token.
  const provider::SigningContext& signing;
  // Held by whoever changes keys or certificates.
  Turn& turn;
};

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_KEYSTORE_H_
