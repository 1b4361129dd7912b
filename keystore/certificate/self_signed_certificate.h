// Self-signed X.509 certificates, signed by a key that need not be in this process.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_SELF_SIGNED_CERTIFICATE_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_SELF_SIGNED_CERTIFICATE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/openssl.h"

namespace keyward {

// What Salesforce accepts: an upload of at most 4 KB.
inline constexpr size_t kMaxCertificateBytes = 4096;

struct CertificateRequest {
  // The subject's and issuer's common name: the connection's name.
  std::string common_name;
  absl::Time not_before;
  // How long it is valid; the end is rounded down to a second.
  absl::Duration validity;
};

struct IssuedCertificate {
  std::string der;
  absl::Time not_after;
};

// Issues an X.509 v3 certificate (RFC 5280) for `key`, signed by it: serial of 128
// random bits, SHA-256 (with RSA: PKCS#1 v1.5), basicConstraints CA:FALSE, keyUsage
// digitalSignature, subject key identifier. `key` has a private operation in
// `library_context` (null: the default one). The signature is verified before the
// certificate is returned. Thread-safe as far as `key` is.
// INVALID_ARGUMENT for a name or validity that a certificate can't hold; INTERNAL
// where the key does not sign, the signature does not verify, or the DER is over
// kMaxCertificateBytes.
absl::StatusOr<IssuedCertificate> IssueSelfSignedCertificate(const CertificateRequest& request,
                                                             EVP_PKEY& key,
                                                             OSSL_LIB_CTX* library_context);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_SELF_SIGNED_CERTIFICATE_H_
