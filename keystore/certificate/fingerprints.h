// Certificate fingerprints as people compare them.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_FINGERPRINTS_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_FINGERPRINTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward {

// Hashes of the DER, each byte two upper-case hexadecimal digits, with colons in
// between: the form of Salesforce's setup pages and of `openssl x509 -fingerprint`.
struct Fingerprints {
  std::string sha1;
  std::string sha256;
};

// INTERNAL where OpenSSL has no SHA-1.
absl::StatusOr<Fingerprints> FingerprintsOf(absl::string_view certificate_der);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_FINGERPRINTS_H_
