// Whether the modes of files are such that what they hold can be trusted and kept.
#ifndef KEYWARD_COMMON_FILE_MODES_H_
#define KEYWARD_COMMON_FILE_MODES_H_

#include <string>

#include "absl/status/status.h"

namespace keyward {

// Of a file that says what a daemon does, its settings or its policy: nobody but its owner
// may write it. A file that is not there is no error here, in both. FAILED_PRECONDITION,
// without a reason, whose message is the end of a sentence that begins with the path.
absl::Status CheckOnlyOwnerWrites(const std::string& path);

// Of a file that a daemon writes, there or not yet: the file is not readable, and neither
// it nor its folder writable, by everybody on the machine.
absl::Status CheckClosedToOthers(const std::string& path);

}  // namespace keyward

#endif  // KEYWARD_COMMON_FILE_MODES_H_
