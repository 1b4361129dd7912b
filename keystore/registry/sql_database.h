// Transactions on a SQL database from several threads.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_DATABASE_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_DATABASE_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "keystore/registry/sql_backend.h"

namespace keyward::registry {

// Thread-safe. One transaction runs at a time: the registry is read by
// administration calls and at reloads, never while something is signed.
class SqlDatabase {
 public:
  // May throw soci::soci_error, which undoes the transaction.
  using Body = absl::FunctionRef<absl::Status(soci::session&)>;

  explicit SqlDatabase(std::unique_ptr<SqlBackend> backend) : backend_(std::move(backend)) {}

  // Runs `body` in a transaction that is committed when it returns OK and undone
  // otherwise. OK means that the changes are durable. No exception leaves.
  absl::Status Write(Body body);

  // Runs `body` on one state of the database. It must not write.
  absl::Status Read(Body body);

 private:
  Mutex mutex_;
  const std::unique_ptr<SqlBackend> backend_ ABSL_PT_GUARDED_BY(mutex_);
};

// The same for a backend that no other thread uses yet.
absl::Status RunTransaction(SqlBackend& backend, const std::string& begin, SqlDatabase::Body body);

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_DATABASE_H_
