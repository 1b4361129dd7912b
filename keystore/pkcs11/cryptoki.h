// The Cryptoki (PKCS#11 v2.40) types and constants. The one place that says
// where they come from.
#ifndef KEYWARD_KEYSTORE_PKCS11_CRYPTOKI_H_
#define KEYWARD_KEYSTORE_PKCS11_CRYPTOKI_H_

#include <p11-kit/pkcs11.h>

#endif  // KEYWARD_KEYSTORE_PKCS11_CRYPTOKI_H_
