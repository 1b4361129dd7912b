// OpenSSL's STORE operation (provider-storemgmt(7)) for the scheme pkcs11.
#ifndef KEYWARD_KEYSTORE_PROVIDER_STORE_H_
#define KEYWARD_KEYSTORE_PROVIDER_STORE_H_

#include <openssl/core.h>

#include "keystore/provider/object_loader.h"

namespace keyward::provider {

// Ended by an entry without names.
const OSSL_ALGORITHM* StoreAlgorithms();

// Gives `object` to a callback of OpenSSL's: a key by reference, a certificate as
// DER (provider-object(7)). Returns what the callback does.
int Present(LoadedObject object, OSSL_CALLBACK* callback, void* argument);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_STORE_H_
