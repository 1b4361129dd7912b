#include "tests/keystore/registry/sqlite_statement.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "absl/memory/memory.h"

namespace keyward::registry {

std::unique_ptr<SqliteStatements> SqliteStatements::Open(const std::string& path) {
  auto statements = absl::WrapUnique(new SqliteStatements);
  EXPECT_EQ(sqlite3_open(path.c_str(), &statements->database_), SQLITE_OK) << path;
  return statements;
}

SqliteStatements::~SqliteStatements() { sqlite3_close(database_); }

absl::Status SqliteStatements::Execute(const std::string& sql) {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
    return absl::OkStatus();
  }
  return absl::InternalError(sqlite3_errmsg(database_));
}

std::string SqliteStatements::Value(const std::string& sql) {
  std::string value;
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database_);
  const bool has_row = sqlite3_step(statement) == SQLITE_ROW;
  EXPECT_TRUE(has_row) << sql;
  if (has_row) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    value = text == nullptr ? "" : text;
  }
  sqlite3_finalize(statement);
  return value;
}

absl::Status SqliteExecute(const std::string& path, const std::string& sql) {
  return SqliteStatements::Open(path)->Execute(sql);
}

std::string SqliteValue(const std::string& path, const std::string& sql) {
  return SqliteStatements::Open(path)->Value(sql);
}

}  // namespace keyward::registry
