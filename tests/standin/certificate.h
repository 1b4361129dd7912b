// The certificate that an administrator uploads to an app.
#ifndef KEYWARD_TESTS_STANDIN_CERTIFICATE_H_
#define KEYWARD_TESTS_STANDIN_CERTIFICATE_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/openssl.h"

namespace keyward::standin {

// Salesforce refuses larger uploads.
inline constexpr size_t kMaxCertificateBytes = 4096;

struct UploadedCertificate {
  std::string pem;
  // Safe to verify with from many threads at once.
  std::shared_ptr<EVP_PKEY> public_key;
};

// Reads one X.509 certificate, PEM or DER, with an RSA key of at least 2048
// bits. Like Salesforce, it looks at neither issuer nor validity: a self-signed
// certificate is the usual one. INVALID_ARGUMENT with the reason
// CERTIFICATE_TOO_LARGE, CERTIFICATE_MALFORMED or CERTIFICATE_KEY_UNSUITABLE
// otherwise. Nothing of `bytes` is in the message: they may be a private key
// that was uploaded by mistake.
absl::StatusOr<UploadedCertificate> ParseCertificate(absl::string_view bytes);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_CERTIFICATE_H_
