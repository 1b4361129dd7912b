// Reading and writing whole files.
#ifndef KEYWARD_COMMON_FILE_H_
#define KEYWARD_COMMON_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/secret.h"

namespace keyward {

// The bytes of the file at `path`. An error names the path and the system's
// reason; one longer than `max_bytes` is INVALID_ARGUMENT.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes = 1 << 20);

// The same of a file that holds a secret: no copy is left behind in memory.
absl::StatusOr<Secret> ReadSecretFile(const std::string& path, size_t max_bytes = 1 << 16);

// Whether `path` is a file that this process may read. The error is the end of a
// sentence that begins with the path: "is a directory", "cannot be read: ...".
absl::Status CheckReadable(const std::string& path);

// Writes `contents` to `path` with permissions `mode`, by way of a temporary
// file beside it, so that a reader sees the old contents or the new and never a
// half. `mode` is as for open(2).
absl::Status WriteFile(const std::string& path, absl::string_view contents, unsigned mode = 0644);

}  // namespace keyward

#endif  // KEYWARD_COMMON_FILE_H_
