#include "keystore/lifecycle/version_choice.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward {

using registry::KeyVersion;
using registry::VersionState;

absl::StatusOr<KeyVersion> ChooseVersion(registry::Registry& registry, absl::string_view connection,
                                         std::optional<uint32_t> number) {
  ASSIGN_OR_RETURN(std::vector<KeyVersion> versions, registry.ListKeyVersions(connection));
  const auto found = std::find_if(versions.begin(), versions.end(), [&](const KeyVersion& version) {
    return number ? version.number == *number : version.state == VersionState::kActive;
  });
  if (found != versions.end()) return std::move(*found);
  if (number) {
    return Error(absl::StatusCode::kNotFound, "KEY_VERSION_NOT_FOUND",
                 absl::StrCat("connection ", connection, " has no key version ", *number,
                              "; see keyward key list ", connection));
  }
  return Error(absl::StatusCode::kFailedPrecondition, "NO_ACTIVE_KEY_VERSION",
               absl::StrCat("connection ", connection,
                            " has no active key version; name one by its number"));
}

absl::Status CheckHasKey(const KeyVersion& version) {
  if (version.state != VersionState::kDestroying && version.state != VersionState::kDestroyed) {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kFailedPrecondition, "KEY_VERSION_DESTROYED",
               absl::StrCat("the key of version ", version.number, " of connection ",
                            version.connection, " is destroyed"));
}

}  // namespace keyward
