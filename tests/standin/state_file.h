// The org on disk: org.json in the state directory.
#ifndef KEYWARD_TESTS_STANDIN_STATE_FILE_H_
#define KEYWARD_TESTS_STANDIN_STATE_FILE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/standin/org.h"

namespace keyward::standin {

// What SaveOrg() left in `directory`, nullopt when that holds nothing yet. An
// INVALID_ARGUMENT names the file when it is not what SaveOrg() writes.
absl::StatusOr<std::optional<Org>> LoadOrg(const std::string& directory);

// Replaces the file as a whole, mode 0600. Makes the directory if it is absent.
absl::Status SaveOrg(const std::string& directory, const Org& org);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_STATE_FILE_H_
