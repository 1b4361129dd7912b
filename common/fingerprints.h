// Certificate fingerprints as people compare them.
#ifndef KEYWARD_COMMON_FINGERPRINTS_H_
#define KEYWARD_COMMON_FINGERPRINTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward {

// Each byte two upper-case hexadecimal digits, with colons in between: "0A:1B:…".
std::string ColonHex(absl::string_view bytes);

// Hashes of the DER as ColonHex(): the form of Salesforce's setup pages and of
// `openssl x509 -fingerprint`.
struct Fingerprints {
  std::string sha1;
  std::string sha256;
};

// INTERNAL where OpenSSL has no SHA-1.
absl::StatusOr<Fingerprints> FingerprintsOf(absl::string_view certificate_der);

}  // namespace keyward

#endif  // KEYWARD_COMMON_FINGERPRINTS_H_
