// Which key version a call is about.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_VERSION_CHOICE_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_VERSION_CHOICE_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/registry/registry.h"

namespace keyward {

// Version `number` of the connection, without a number the ACTIVE one. NOT_FOUND
// CONNECTION_NOT_FOUND or KEY_VERSION_NOT_FOUND; FAILED_PRECONDITION
// NO_ACTIVE_KEY_VERSION.
absl::StatusOr<registry::KeyVersion> ChooseVersion(registry::Registry& registry,
                                                   absl::string_view connection,
                                                   std::optional<uint32_t> number);

// OK where the version's key should be on the token: FAILED_PRECONDITION
// KEY_VERSION_DESTROYED.
absl::Status CheckHasKey(const registry::KeyVersion& version);

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_VERSION_CHOICE_H_
