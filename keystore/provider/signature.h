// OpenSSL's SIGNATURE operation (provider-signature(7)) for RSA and ECDSA.
#ifndef KEYWARD_KEYSTORE_PROVIDER_SIGNATURE_H_
#define KEYWARD_KEYSTORE_PROVIDER_SIGNATURE_H_

#include <openssl/core.h>

namespace keyward::provider {

// Ended by an entry without names.
const OSSL_ALGORITHM* SignatureAlgorithms();

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_SIGNATURE_H_
