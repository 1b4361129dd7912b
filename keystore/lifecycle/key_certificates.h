// Certificates for a key that a connection has already.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_KEY_CERTIFICATES_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_KEY_CERTIFICATES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/certificate/certificate_signing_request.h"
#include "keystore/lifecycle/keystore.h"
#include "keystore/registry/registry.h"

namespace keyward {

// Errors of all: the registry's; ChooseVersion()'s and KEY_VERSION_DESTROYED;
// FAILED_PRECONDITION KEY_REFUSED where the token has no such key or it is not protected
// as it must be; UNAVAILABLE TOKEN_UNAVAILABLE; DEADLINE_EXCEEDED DEADLINE_PASSED.
// A new certificate is put on the token before it is put into the registry, which
// alone says what is valid.

struct SignedRequest {
  // PKCS#10 (RFC 2986).
  std::string der;
  uint32_t key_version = 0;
};

// A certificate signing request by version `number`, without one the ACTIVE version.
// INVALID_ARGUMENT CSR_SUBJECT_INVALID, CSR_SAN_INVALID.
absl::StatusOr<SignedRequest> CreateRequest(const Keystore& keystore, absl::string_view connection,
                                            std::optional<uint32_t> number,
                                            const CsrSubject& subject, const SubjectAltNames& names,
                                            absl::Time deadline);

// Takes `der`, with `chain` above it, in place of the version's certificate, if it is
// one for its key that is worth using now (CheckImportedCertificate()). Returns the
// version as it is then.
absl::StatusOr<registry::KeyVersion> ImportCertificate(const Keystore& keystore,
                                                       absl::string_view connection,
                                                       uint32_t number, const std::string& der,
                                                       const std::vector<std::string>& chain,
                                                       absl::Time deadline);

// Issues a new self-signed certificate for the same key in place of the one before.
// FAILED_PRECONDITION CERTIFICATE_FROM_CA where that one is not self-signed: a
// verifier trusts its CA. Returns the version as it is then. `check_signed` is asked once
// the token has signed: where it fails nothing is stored, and its error returned.
absl::StatusOr<registry::KeyVersion> RenewCertificate(
    const Keystore& keystore, absl::string_view connection, std::optional<uint32_t> number,
    absl::Duration validity, absl::Time deadline,
    absl::FunctionRef<absl::Status()> check_signed = absl::OkStatus);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_KEY_CERTIFICATES_H_
