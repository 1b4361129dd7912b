// What the token itself says of a key version.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_KEY_INSPECTION_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_KEY_INSPECTION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/lifecycle/keystore.h"
#include "keystore/pkcs11/key_details.h"
#include "keystore/registry/registry.h"

namespace keyward {

// What lies on the token under the key's CKA_ID, beside the registry's certificate.
enum class TokenCertificate { kMissing, kSame, kDifferent };

struct KeyInspection {
  registry::KeyVersion version;
  pkcs11::KeyDetails details;
  // Why the key is not used; empty where it is.
  std::string refusal;
  TokenCertificate token_certificate = TokenCertificate::kMissing;
};

// Reads the key of version `number`, without one of the ACTIVE version, and its
// certificate from the token. Errors: ChooseVersion()'s; KEY_VERSION_DESTROYED;
// NOT_FOUND KEY_NOT_ON_TOKEN; the pool's.
absl::StatusOr<KeyInspection> InspectKey(const Keystore& keystore, absl::string_view connection,
                                         std::optional<uint32_t> number, absl::Time deadline);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_KEY_INSPECTION_H_
