#include "keystore/registry/sqlite_registry.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_registry.h"
#include "keystore/registry/sqlite_backend.h"

namespace keyward::registry {

absl::StatusOr<std::unique_ptr<Registry>> OpenSqliteRegistry(const std::string& path,
                                                             const SqliteOptions& options) {
  ASSIGN_OR_RETURN(std::unique_ptr<SqlBackend> backend, SqliteBackend::New(path, options));
  absl::StatusOr<std::unique_ptr<Registry>> registry = SqlRegistry::New(std::move(backend));
  if (!registry.ok()) return Annotate(registry.status(), path);
  return registry;
}

}  // namespace keyward::registry
