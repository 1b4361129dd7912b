// A certificate that a CA issued for a key of the token, before it is taken in.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_IMPORTED_CERTIFICATE_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_IMPORTED_CERTIFICATE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/openssl.h"

namespace keyward {

// Certificates above the one that is imported.
inline constexpr size_t kMaxChainCertificates = 8;

// Of each of them. Salesforce takes 4096 bytes; other verifiers more, but a token has to
// keep it.
inline constexpr size_t kMaxImportedBytes = 16 * 1024;

struct ImportedCertificate {
  // In issuing order: the certificate of the issuer first. DER, as it came.
  std::vector<std::string> chain;
  absl::Time not_before;
  absl::Time not_after;
};

// Checks a certificate (DER) for `expected_key`, and the chain that came with it: in
// any order, with the root or without, or empty. Thread-safe. Errors, all of them
// INVALID_ARGUMENT, in the order in which they are looked for:
//   CERTIFICATE_CHAIN_TOO_LONG      over kMaxChainCertificates
//   CERTIFICATE_TOO_LARGE           one of them is over kMaxImportedBytes
//   CERTIFICATE_MALFORMED           one of them is not a DER certificate
//   CERTIFICATE_KEY_TOO_SHORT       its RSA key has under 2048 bits
//   CERTIFICATE_KEY_MISMATCH        it is for another key
//   CERTIFICATE_VALIDITY_INVALID    it ends before it begins
//   CERTIFICATE_NOT_YET_VALID, CERTIFICATE_EXPIRED   as of `now`
//   CERTIFICATE_WEAK_SIGNATURE      it is signed with MD5, SHA-1 or an unknown hash
//   CERTIFICATE_USAGE_INVALID       it is for a CA, or its keyUsage lacks
//                                   digitalSignature (RFC 5280 section 4.2.1.3)
//   CERTIFICATE_CHAIN_INVALID       see FindPath
absl::StatusOr<ImportedCertificate> CheckImportedCertificate(
    absl::string_view leaf_der, absl::Span<const std::string> chain_der,
    const EVP_PKEY& expected_key, absl::Time now);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_IMPORTED_CERTIFICATE_H_
