// Typed rows out of a SELECT.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_SELECT_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_SELECT_H_

#include <soci/soci.h>

#include <string>
#include <vector>

namespace keyward::registry {

// The integer that SOCI binds for 64 bits on every database.
using SqlInteger = long long;  // NOLINT(google-runtime-int)

// All rows of `sql`. A Row has `void Define(soci::statement&)`, which binds its
// members to the columns in order; `uses` are soci::use(...) of the parameters.
// Throws soci::soci_error.
template <typename Row, typename... Uses>
std::vector<Row> Select(soci::session& session, const std::string& sql, const Uses&... uses) {
  Row row;
  soci::statement statement(session);
  row.Define(statement);
  (statement.exchange(uses), ...);
  statement.alloc();
  statement.prepare(sql);
  statement.define_and_bind();
  std::vector<Row> rows;
  statement.execute(false);
  while (statement.fetch()) rows.push_back(row);
  return rows;
}

// The integer that `sql` yields. Throws soci::soci_error.
template <typename... Uses>
SqlInteger SelectInteger(soci::session& session, const std::string& sql, const Uses&... uses) {
  struct Row {
    SqlInteger value = 0;
    void Define(soci::statement& statement) { statement.exchange(soci::into(value)); }
  };
  return Select<Row>(session, sql, uses...).at(0).value;
}

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_SELECT_H_
