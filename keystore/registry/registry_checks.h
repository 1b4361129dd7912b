// What the registry refuses before it writes: values that no database can store, and
// changes that start from something else than what is there.
#ifndef KEYWARD_KEYSTORE_REGISTRY_REGISTRY_CHECKS_H_
#define KEYWARD_KEYSTORE_REGISTRY_REGISTRY_CHECKS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "keystore/registry/registry.h"

namespace keyward::registry {

// `key version 2 of connection "acme"`, for messages.
std::string NameOf(const KeyVersion& version);

// INVALID_ARGUMENT INVALID_TEXT, for `what`.
absl::Status CheckText(const std::string& text, absl::string_view what);
absl::Status CheckSettings(const ConnectionSettings& settings);

// ABORTED ETAG_MISMATCH.
absl::Status CheckEtag(const Connection& connection, absl::string_view etag);

// FAILED_PRECONDITION KEY_VERSION_WRONG_STATE.
absl::Status CheckState(const KeyVersion& version, VersionState expected);

// INVALID_ARGUMENT for what no key version can get when its key is there: a state
// other than kPending and kActive, or no certificate.
absl::Status CheckIssued(VersionState state, const IssuedKey& issued);

// Whether `issued` can take the place of the certificate `current_der` of
// `version`. Errors: Registry::ReplaceCertificate.
absl::Status CheckCertificateReplaceable(const KeyVersion& version, absl::string_view current_der,
                                         const IssuedKey& issued);

// What to look for: a name that the database cannot even store is not there,
// and neither is the empty one.
std::string Searched(absl::string_view name);

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_REGISTRY_CHECKS_H_
