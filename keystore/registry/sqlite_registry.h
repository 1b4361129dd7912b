// The registry in a SQLite file: the default, for one signer.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQLITE_REGISTRY_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQLITE_REGISTRY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "keystore/registry/registry.h"

namespace keyward::registry {

struct SqliteOptions {
  // How long a call waits for another process that writes.
  absl::Duration busy_timeout = absl::Seconds(5);
};

// Opens the registry in the file `path`, which is created (mode 0600) where it
// is absent; its folder must exist. An older schema is brought up to date.
// Errors, each naming the path and what to do:
//   FAILED_PRECONDITION  REGISTRY_READ_ONLY       the file or its folder cannot
//                                                 be written
//   FAILED_PRECONDITION  REGISTRY_SCHEMA_TOO_NEW  a newer Keyward wrote it
//   FAILED_PRECONDITION  REGISTRY_FOREIGN         another program's database
//   DATA_LOSS            REGISTRY_CORRUPT         damaged, or not a database
//   UNAVAILABLE          REGISTRY_UNAVAILABLE     no such folder, not a file,
//                                                 locked, disk full
absl::StatusOr<std::unique_ptr<Registry>> OpenSqliteRegistry(const std::string& path,
                                                             const SqliteOptions& options = {});

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQLITE_REGISTRY_H_
