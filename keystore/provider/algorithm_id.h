// Signature algorithms as X.509 and CMS name them.
#ifndef KEYWARD_KEYSTORE_PROVIDER_ALGORITHM_ID_H_
#define KEYWARD_KEYSTORE_PROVIDER_ALGORITHM_ID_H_

#include <string>

#include "absl/status/statusor.h"
#include "keystore/pkcs11/mechanism.h"

namespace keyward::provider {

// The DER of the AlgorithmIdentifier: RFC 4055 for RSA, with the PSS parameters
// spelt out, RFC 5758 for ECDSA.
absl::StatusOr<std::string> AlgorithmIdentifier(const pkcs11::SignatureScheme& scheme);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_ALGORITHM_ID_H_
