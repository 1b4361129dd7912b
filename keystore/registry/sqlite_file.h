// The file that SQLite is going to open, checked beforehand.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQLITE_FILE_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQLITE_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::registry {

// The absolute path of a database at `path`, whose file is there and may be
// written, as may its folder: SQLite keeps a journal beside the file. An absent
// file is created, empty, with mode 0600. A file or folder whose mode lets
// nobody write is refused even to root, who could: someone meant it so.
//   UNAVAILABLE REGISTRY_UNAVAILABLE          no such folder, not a file
//   FAILED_PRECONDITION REGISTRY_READ_ONLY    as it says
//   DATA_LOSS REGISTRY_CORRUPT                too short for a database
// The file is never opened here: closing it would drop the locks that SQLite
// may hold on it elsewhere in this process (fcntl(2), "Record locks").
absl::StatusOr<std::string> PrepareSqliteFile(const std::string& path);

// The errors above.
absl::Status RegistryUnavailable(absl::string_view message);
absl::Status RegistryReadOnly(absl::string_view path, absl::string_view why);

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQLITE_FILE_H_
