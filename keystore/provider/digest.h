// The digests that the provider signs with, by OpenSSL's names.
#ifndef KEYWARD_KEYSTORE_PROVIDER_DIGEST_H_
#define KEYWARD_KEYSTORE_PROVIDER_DIGEST_H_

#include <openssl/crypto.h>

#include <string>

#include "absl/status/statusor.h"
#include "keystore/pkcs11/mechanism.h"

namespace keyward::provider {

// By any name that OpenSSL has for it ("SHA256", "SHA2-256", an OID).
// kDigestUnknown for all but SHA-256, SHA-384 and SHA-512.
absl::StatusOr<pkcs11::HashAlgorithm> DigestNamed(OSSL_LIB_CTX* library_context,
                                                  const std::string& name);

// "SHA256".
const char* NameOf(pkcs11::HashAlgorithm digest);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_DIGEST_H_
