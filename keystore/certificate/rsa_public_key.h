// RSA public keys are common code: the client side verifies with them, too.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_RSA_PUBLIC_KEY_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_RSA_PUBLIC_KEY_H_

#include "common/rsa_public_key.h"  // IWYU pragma: export

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_RSA_PUBLIC_KEY_H_
