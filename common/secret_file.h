// A secret that a file holds: a PIN.
#ifndef KEYWARD_COMMON_SECRET_FILE_H_
#define KEYWARD_COMMON_SECRET_FILE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/secret.h"

namespace keyward {

inline constexpr size_t kMaxSecretBytes = 255;

// The first line of the regular file at `path`, without its end. Of one that is longer
// than kMaxSecretBytes it gives a little more than that, for the caller to refuse. It is
// on locked pages, nothing is left of it elsewhere in memory, and a FIFO does not make it
// wait.
//
// Errors, without a reason and without the path:
//   FAILED_PRECONDITION  the file's mode has a bit of `forbidden` (S_IRWXG | S_IRWXO)
//   INVALID_ARGUMENT     not a regular file
// and what the system says where the file cannot be read.
absl::StatusOr<Secret> ReadSecretLine(const std::string& path, mode_t forbidden);

// Whether the regular file at `path` has none of these bits; errors as above.
absl::Status CheckFileMode(const std::string& path, mode_t forbidden);

}  // namespace keyward

#endif  // KEYWARD_COMMON_SECRET_FILE_H_
