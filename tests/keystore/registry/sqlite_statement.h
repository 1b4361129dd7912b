// A SQLite file seen from outside of Keyward: statements on a connection of the
// test's own.
#ifndef KEYWARD_TESTS_KEYSTORE_REGISTRY_SQLITE_STATEMENT_H_
#define KEYWARD_TESTS_KEYSTORE_REGISTRY_SQLITE_STATEMENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"

struct sqlite3;

namespace keyward::registry {

class SqliteStatements {
 public:
  // Creates the file where it is absent. Waits for no lock.
  static std::unique_ptr<SqliteStatements> Open(const std::string& path);
  ~SqliteStatements();
  SqliteStatements(const SqliteStatements&) = delete;
  SqliteStatements& operator=(const SqliteStatements&) = delete;

  absl::Status Execute(const std::string& sql);

  // The first column of the first row as text; a failure of the test if there
  // is none.
  std::string Value(const std::string& sql);

 private:
  SqliteStatements() = default;

  sqlite3* database_ = nullptr;
};

// The same on a connection that is opened for the one statement.
absl::Status SqliteExecute(const std::string& path, const std::string& sql);
std::string SqliteValue(const std::string& path, const std::string& sql);

}  // namespace keyward::registry

#endif  // KEYWARD_TESTS_KEYSTORE_REGISTRY_SQLITE_STATEMENT_H_
