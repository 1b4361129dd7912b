// SQLite as the registry's database.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQLITE_BACKEND_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQLITE_BACKEND_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "keystore/registry/sql_backend.h"
#include "keystore/registry/sqlite_registry.h"

namespace keyward::registry {

class SqliteBackend : public SqlBackend {
 public:
  // Opens the database, checks it whole, and sets it up: write-ahead log,
  // every commit on disk before it returns, foreign keys enforced.
  // Errors: OpenSqliteRegistry.
  static absl::StatusOr<std::unique_ptr<SqlBackend>> New(const std::string& path,
                                                         const SqliteOptions& options);

  soci::session& session() override { return session_; }
  const std::string& begin_read() const override;
  const std::string& begin_write() const override;
  absl::Status CheckUsable() override;
  absl::Status ToStatus(const soci::soci_error& error) const override;

 private:
  // Throws soci::soci_error.
  SqliteBackend(const std::string& file, absl::Duration busy_timeout);

  // The steps of New, in their order. They throw soci::soci_error.
  absl::Status CheckIntegrity();
  absl::Status CheckOwner();
  absl::Status Configure(absl::Time deadline);
  // Which mode it is then. Retries until `deadline`.
  std::string SetJournalMode(absl::Time deadline);

  soci::session session_;
};

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQLITE_BACKEND_H_
