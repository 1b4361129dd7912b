// What differs between the SQL databases that can hold the registry.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_BACKEND_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_BACKEND_H_

#include <soci/soci.h>

#include <string>

#include "absl/status/status.h"

namespace keyward::registry {

// One open connection to a database. Not thread-safe: SqlDatabase serialises.
class SqlBackend {
 public:
  virtual ~SqlBackend() = default;

  virtual soci::session& session() = 0;

  // Statements that begin a transaction: one that only reads and sees a single
  // state of the database, and one that writes and is serialised with every
  // other writer from its first statement on.
  virtual const std::string& begin_read() const = 0;
  virtual const std::string& begin_write() const = 0;

  // Called before every transaction: whether the database is still the one that
  // was opened. May throw soci::soci_error.
  virtual absl::Status CheckUsable() = 0;

  // The error of Registry's contract for an exception of SOCI. Its message goes
  // to callers, so it must not quote statements or values.
  virtual absl::Status ToStatus(const soci::soci_error& error) const = 0;
};

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_BACKEND_H_
