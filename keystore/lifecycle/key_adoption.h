// Taking a key that is on the token already into a connection.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_KEY_ADOPTION_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_KEY_ADOPTION_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/lifecycle/keystore.h"
#include "keystore/pkcs11/key_attributes.h"
#include "keystore/pkcs11/key_details.h"
#include "keystore/registry/registry.h"

namespace keyward {

struct AdoptionOptions {
  // As for every key that is found on the token.
  pkcs11::KeyRequirements key_requirements;
  pkcs11::AdoptionScope scope;
  // Of the certificate that a key without one gets.
  absl::Duration certificate_validity = absl::Hours(24 * 730);
};

// Makes the RSA private key that `uri` (RFC 7512) names a new PENDING version of the
// connection. The certificate that lies beside it under its CKA_ID is taken if it would
// be accepted as an imported one; where there is none, a self-signed one is issued and
// put there. Nothing else on the token changes, whatever fails. `check_signed` is asked
// before that is stored: where it fails nothing is, and its error returned.
// Errors: the registry's, KEY_ID_EXISTS among them; FindKeyForAdoption()'s;
// FAILED_PRECONDITION KEY_NOT_ADOPTABLE also where several certificates lie there;
// CheckImportedCertificate()'s; the pool's.
absl::StatusOr<registry::KeyVersion> AdoptKey(
    const Keystore& keystore, const AdoptionOptions& options, absl::string_view connection,
    const std::string& uri, absl::Time deadline,
    absl::FunctionRef<absl::Status()> check_signed = absl::OkStatus);

// `uri` as it may be written down: empty where it does not parse or holds a PIN.
std::string UriForRecord(const std::string& uri);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_KEY_ADOPTION_H_
