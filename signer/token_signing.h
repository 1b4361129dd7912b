// Signatures that leave the signer: made in the token, verified here.
#ifndef KEYWARD_SIGNER_TOKEN_SIGNING_H_
#define KEYWARD_SIGNER_TOKEN_SIGNING_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/registry/snapshot.h"

namespace keyward::signer {

// DEADLINE_EXCEEDED DEADLINE_PASSED from `deadline` on.
absl::Status CheckNotLate(absl::Time deadline);

// An RS256 signature (RSASSA-PKCS1-v1_5 with SHA-256, raw bytes) over `signing_input` by
// `key`, verified against the certificate. Waits for a session until `deadline`, and blocks
// for as long as the token takes; where a session dies it tries once more with another.
// Thread-safe.
//   FAILED_PRECONDITION KEY_REFUSED        not on the token, or not protected there
//   UNAVAILABLE         TOKEN_UNAVAILABLE
//   INTERNAL            SIGNATURE_INVALID  it did not verify and was thrown away
//   DEADLINE_EXCEEDED   DEADLINE_PASSED
absl::StatusOr<std::string> SignOnToken(pkcs11::SessionPool& sessions,
                                        const registry::SigningKey& key,
                                        absl::string_view signing_input, absl::Time deadline);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_TOKEN_SIGNING_H_
