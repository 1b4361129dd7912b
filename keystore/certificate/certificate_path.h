// From a certificate to the top of the chain that came with it.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_CERTIFICATE_PATH_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_CERTIFICATE_PATH_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/openssl.h"

namespace keyward {

// The indices of `chain` in issuing order: the certificate that issued `leaf`,
// the one that issued that, and so on to the top, which may be a root or not. All of
// `chain` is in the path, which is verified (RFC 5280 section 6) as of `now` with
// its top as the trust anchor: signatures, validity, CA flags, path lengths, name
// constraints, no RSA key under 2048 bits and no SHA-1 (OpenSSL's security level
// 2). A self-signed `leaf` has no chain, and its signature is verified.
// INVALID_ARGUMENT CERTIFICATE_CHAIN_INVALID, naming the certificate at fault.
absl::StatusOr<std::vector<size_t>> FindPath(X509& leaf, const std::vector<X509Ptr>& chain,
                                             absl::Time now);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_CERTIFICATE_PATH_H_
