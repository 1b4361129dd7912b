// The names of connections.
#ifndef KEYWARD_COMMON_CONNECTION_NAME_H_
#define KEYWARD_COMMON_CONNECTION_NAME_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace keyward {

// Whether `name` is [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?
// Errors: INVALID_ARGUMENT CONNECTION_NAME_INVALID.
absl::Status CheckConnectionName(absl::string_view name);

// Whether a connection's name can begin with `prefix` and go on; "" is one.
bool IsConnectionNamePrefix(absl::string_view prefix);

}  // namespace keyward

#endif  // KEYWARD_COMMON_CONNECTION_NAME_H_
