// PKCS#10 certificate signing requests, for organisations whose CA issues the
// certificate.
#ifndef KEYWARD_KEYSTORE_CERTIFICATE_CERTIFICATE_SIGNING_REQUEST_H_
#define KEYWARD_KEYSTORE_CERTIFICATE_CERTIFICATE_SIGNING_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "common/openssl.h"
#include "keystore/certificate/subject_alt_names.h"

namespace keyward {

// Attributes of the subject's distinguished name, in UTF-8; an empty one is left out.
// The limits are characters, from RFC 5280 appendix A.1.
struct CsrSubject {
  std::string common_name;          // 64
  std::string organization;         // 64
  std::string organizational_unit;  // 64
  // Two letters of ISO 3166; written in upper case.
  std::string country;
  std::string state;     // 128
  std::string locality;  // 128
};

// The DER of a request (RFC 2986) for `key`, signed by it with SHA-256 (with RSA:
// PKCS#1 v1.5). As extensionRequest it has keyUsage digitalSignature and
// `alternative_names`. `key` has a private operation in `library_context` (null:
// the default one). The signature is verified before the request is returned.
// Thread-safe as far as `key` is.
//   INVALID_ARGUMENT CSR_SUBJECT_INVALID  an attribute breaks its limit or has
//     control characters, or there is neither a subject nor an alternative name
//   INVALID_ARGUMENT CSR_SAN_INVALID      an alternative name is not what it should be
//   INTERNAL                              the key does not sign
absl::StatusOr<std::string> CreateCertificateRequest(const CsrSubject& subject,
                                                     const SubjectAltNames& alternative_names,
                                                     EVP_PKEY& key, OSSL_LIB_CTX* library_context);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_CERTIFICATE_CERTIFICATE_SIGNING_REQUEST_H_
