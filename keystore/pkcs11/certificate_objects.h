// The certificates that a token keeps beside its keys.
#ifndef KEYWARD_KEYSTORE_PKCS11_CERTIFICATE_OBJECTS_H_
#define KEYWARD_KEYSTORE_PKCS11_CERTIFICATE_OBJECTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/session_pool.h"

namespace keyward::pkcs11 {

// The DER (CKA_VALUE) of every certificate with this CKA_ID, in no order.
absl::StatusOr<std::vector<std::string>> FindCertificates(const Session& session,
                                                          absl::string_view key_id);

// Puts the X.509 certificate `der` in place of whatever certificates the token has
// under this CKA_ID. The new one is stored before the others are destroyed, so that
// a crash leaves one too many and never none; calling again puts that right. One
// that is there already is kept as it is. `administration` comes from
// TakeForAdministration() and is told of errors. INVALID_ARGUMENT where `der` is no
// certificate; RESOURCE_EXHAUSTED TOKEN_FULL where there is no room for it; else the module's error
// (ck_error.h).
absl::Status ReplaceCertificate(SessionLease& administration, absl::string_view label,
                                absl::string_view key_id, absl::string_view der);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_CERTIFICATE_OBJECTS_H_
