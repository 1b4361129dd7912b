#include "common/connection_name.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "common/error.h"

namespace keyward {
namespace {

constexpr size_t kMaxNameBytes = 63;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

absl::Status CheckConnectionName(absl::string_view name) {
  if (!name.empty() && name.size() <= kMaxNameBytes &&
      std::all_of(name.begin(), name.end(), IsNameCharacter) && name.front() != '-' &&
      name.back() != '-') {
    return absl::OkStatus();
  }
  return Error(absl::StatusCode::kInvalidArgument, "CONNECTION_NAME_INVALID",
               "a connection's name must be 1 to 63 lower-case letters, digits and hyphens, "
               "without a hyphen at either end");
}

bool IsConnectionNamePrefix(absl::string_view prefix) {
  return prefix.size() < kMaxNameBytes &&
         std::all_of(prefix.begin(), prefix.end(), IsNameCharacter) &&
         !absl::StartsWith(prefix, "-");
}

}  // namespace keyward
