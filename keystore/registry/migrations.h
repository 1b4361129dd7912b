// The registry's schema, and how a database gets from an older one to it.
#ifndef KEYWARD_KEYSTORE_REGISTRY_MIGRATIONS_H_
#define KEYWARD_KEYSTORE_REGISTRY_MIGRATIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "keystore/registry/sql_backend.h"

namespace keyward::registry {

// A step that was released is never changed: the next change is a new step.
struct Migration {
  // 1, 2, 3 ... without gaps.
  int number;
  // One statement each, understood by SQLite and PostgreSQL alike.
  std::vector<std::string> statements;
};

// All steps, the oldest first.
absl::Span<const Migration> Migrations();

// Applies the steps that the database does not have yet, each in a transaction
// of its own that also records it in the table schema_migrations. Several
// processes may do this at once.
//   FAILED_PRECONDITION REGISTRY_SCHEMA_TOO_NEW  the database has steps that
//     `migrations` does not know; nothing was changed
// and the errors of Registry.
absl::Status Migrate(SqlBackend& backend, absl::Span<const Migration> migrations = Migrations());

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_MIGRATIONS_H_
