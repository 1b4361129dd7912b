// ECDSA signatures: a token's form and OpenSSL's.
#ifndef KEYWARD_KEYSTORE_PROVIDER_ECDSA_SIGNATURE_H_
#define KEYWARD_KEYSTORE_PROVIDER_ECDSA_SIGNATURE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::provider {

// The DER of Ecdsa-Sig-Value (RFC 3279 section 2.2.3) from r and s, of equal length
// one after the other (PKCS#11 2.3.1).
absl::StatusOr<std::string> EcdsaToDer(absl::string_view r_and_s);

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_ECDSA_SIGNATURE_H_
