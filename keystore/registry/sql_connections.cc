#include "keystore/registry/sql_connections.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_select.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

using soci::use;

constexpr char kSelectVisible[] = R"sql(
SELECT c.name, c.incarnation, c.consumer_key, c.environment, c.login_url, c.audiences, c.subjects,
       c.include_kid, c.revision, c.create_time_us, c.update_time_us, c.subject_patterns, c.frozen,
       c.freeze_time_us
FROM connections c
WHERE c.removed = 0
  AND EXISTS (SELECT 1 FROM key_versions v WHERE v.connection = c.name
              AND v.incarnation = c.incarnation AND v.state <> 'GENERATING')
)sql";

struct Row {
  std::string name, consumer_key, environment, login_url, audiences, subjects, subject_patterns;
  SqlInteger incarnation = 0, revision = 0, create_time_us = 0, update_time_us = 0,
             freeze_time_us = 0;
  int include_kid = 0, frozen = 0;

  void Define(soci::statement& statement) {
    using soci::into;
    statement.exchange(into(name));
    statement.exchange(into(incarnation));
    statement.exchange(into(consumer_key));
    statement.exchange(into(environment));
    statement.exchange(into(login_url));
    statement.exchange(into(audiences));
    statement.exchange(into(subjects));
    statement.exchange(into(include_kid));
    statement.exchange(into(revision));
    statement.exchange(into(create_time_us));
    statement.exchange(into(update_time_us));
    statement.exchange(into(subject_patterns));
    statement.exchange(into(frozen));
    statement.exchange(into(freeze_time_us));
  }
};

absl::StatusOr<Connection> Decode(const Row& row) {
  Connection connection;
  connection.name = row.name;
  connection.settings.consumer_key = row.consumer_key;
  ASSIGN_OR_RETURN(connection.settings.environment, DecodeEnvironment(row.environment));
  connection.settings.login_url = row.login_url;
  ASSIGN_OR_RETURN(connection.settings.audiences, DecodeList(row.audiences));
  ASSIGN_OR_RETURN(connection.settings.subjects, DecodeList(row.subjects));
  ASSIGN_OR_RETURN(connection.settings.subject_patterns, DecodeList(row.subject_patterns));
  connection.settings.include_kid = row.include_kid != 0;
  connection.etag = absl::StrCat(row.revision);
  connection.create_time = absl::FromUnixMicros(row.create_time_us);
  connection.update_time = absl::FromUnixMicros(row.update_time_us);
  connection.frozen = row.frozen != 0;
  if (connection.frozen) connection.freeze_time = absl::FromUnixMicros(row.freeze_time_us);
  return connection;
}

absl::StatusOr<std::vector<Connection>> Decode(const std::vector<Row>& rows) {
  std::vector<Connection> connections;
  for (const Row& row : rows) {
    ASSIGN_OR_RETURN(Connection connection, Decode(row));
    connections.push_back(std::move(connection));
  }
  return connections;
}

// Settings as columns. Members, because SOCI binds references.
struct Columns {
  explicit Columns(const ConnectionSettings& settings)
      : consumer_key(settings.consumer_key),
        environment(EncodeEnvironment(settings.environment)),
        login_url(settings.login_url),
        audiences(EncodeList(settings.audiences)),
        subjects(EncodeList(settings.subjects)),
        subject_patterns(EncodeList(settings.subject_patterns)),
        include_kid(settings.include_kid ? 1 : 0) {}

  std::string consumer_key, environment, login_url, audiences, subjects, subject_patterns;
  int include_kid;
};

SqlInteger NextRevision(soci::session& session, const std::string& name) {
  session << "UPDATE connection_names SET last_revision = last_revision + 1 WHERE name = :name",
      use(name, "name");
  return SelectInteger(session, "SELECT last_revision FROM connection_names WHERE name = :name",
                       use(name, "name"));
}

}  // namespace

absl::StatusOr<StoredConnection> FindConnection(soci::session& session, const std::string& name) {
  const std::string sql = absl::StrCat(kSelectVisible, " AND c.name = :name");
  const std::vector<Row> rows = Select<Row>(session, sql, use(name, "name"));
  if (rows.empty()) {
    return Error(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND",
                 absl::StrCat("there is no connection \"", absl::Utf8SafeCHexEscape(name), "\""));
  }
  StoredConnection stored;
  ASSIGN_OR_RETURN(stored.connection, Decode(rows.front()));
  stored.incarnation = rows.front().incarnation;
  return stored;
}

absl::StatusOr<std::vector<Connection>> SelectAllConnections(soci::session& session) {
  return Decode(Select<Row>(session, absl::StrCat(kSelectVisible, " ORDER BY c.name")));
}

absl::StatusOr<std::vector<Connection>> SelectConnections(soci::session& session,
                                                          const std::string& after, size_t limit) {
  const std::string sql = absl::StrCat(
      kSelectVisible, " AND c.name > :after AND c.name NOT LIKE '.%' ORDER BY c.name LIMIT :limit");
  const auto rows_at_most =
      static_cast<SqlInteger>(std::min<size_t>(limit, std::numeric_limits<SqlInteger>::max()));
  return Decode(Select<Row>(session, sql, use(after, "after"), use(rows_at_most, "limit")));
}

bool IsNameTaken(soci::session& session, const std::string& name) {
  return SelectInteger(session,
                       "SELECT COUNT(*) FROM connections WHERE name = :name AND removed = 0",
                       use(name, "name")) > 0;
}

NameCounters CountNewConnection(soci::session& session, const std::string& name) {
  session << "INSERT INTO connection_names (name, incarnations, last_number, last_revision) "
             "VALUES (:name, 0, 0, 0) ON CONFLICT (name) DO NOTHING",
      use(name, "name");
  session << "UPDATE connection_names SET incarnations = incarnations + 1, "
             "last_number = last_number + 1, last_revision = last_revision + 1 "
             "WHERE name = :name",
      use(name, "name");
  SqlInteger incarnation = 0;
  SqlInteger number = 0;
  SqlInteger revision = 0;
  session << "SELECT incarnations, last_number, last_revision FROM connection_names "
             "WHERE name = :name",
      use(name, "name"), soci::into(incarnation), soci::into(number), soci::into(revision);
  return {incarnation, number, revision};
}

int64_t CountNewKeyVersion(soci::session& session, const std::string& name) {
  session << "UPDATE connection_names SET last_number = last_number + 1 WHERE name = :name",
      use(name, "name");
  return SelectInteger(session, "SELECT last_number FROM connection_names WHERE name = :name",
                       use(name, "name"));
}

void InsertConnection(soci::session& session, const std::string& name, const NameCounters& counters,
                      const ConnectionSettings& settings, absl::Time now) {
  const Columns columns(settings);
  const SqlInteger incarnation = counters.incarnation;
  const SqlInteger revision = counters.revision;
  const SqlInteger now_us = absl::ToUnixMicros(now);
  session << "INSERT INTO connections (name, incarnation, removed, consumer_key, environment, "
             "login_url, audiences, subjects, subject_patterns, include_kid, revision, "
             "create_time_us, update_time_us) VALUES (:name, :incarnation, 0, :consumer_key, "
             ":environment, "
             ":login_url, :audiences, :subjects, :subject_patterns, :include_kid, :revision, "
             ":created, :updated)",
      use(name, "name"), use(incarnation, "incarnation"), use(columns.consumer_key, "consumer_key"),
      use(columns.environment, "environment"), use(columns.login_url, "login_url"),
      use(columns.audiences, "audiences"), use(columns.subjects, "subjects"),
      use(columns.subject_patterns, "subject_patterns"), use(columns.include_kid, "include_kid"),
      use(revision, "revision"), use(now_us, "created"), use(now_us, "updated");
}

void UpdateConnectionRow(soci::session& session, const StoredConnection& stored,
                         const ConnectionSettings& settings, absl::Time now) {
  const std::string& name = stored.connection.name;
  const SqlInteger incarnation = stored.incarnation;
  const Columns columns(settings);
  const SqlInteger revision = NextRevision(session, name);
  const SqlInteger now_us = absl::ToUnixMicros(now);
  session << "UPDATE connections SET consumer_key = :consumer_key, environment = :environment, "
             "login_url = :login_url, audiences = :audiences, subjects = :subjects, "
             "subject_patterns = :subject_patterns, include_kid = :include_kid, revision = "
             ":revision, update_time_us = :updated "
             "WHERE name = :name AND incarnation = :incarnation",
      use(columns.consumer_key, "consumer_key"), use(columns.environment, "environment"),
      use(columns.login_url, "login_url"), use(columns.audiences, "audiences"),
      use(columns.subjects, "subjects"), use(columns.subject_patterns, "subject_patterns"),
      use(columns.include_kid, "include_kid"), use(revision, "revision"), use(now_us, "updated"),
      use(name, "name"), use(incarnation, "incarnation");
}

void SetFrozenColumns(soci::session& session, const StoredConnection& stored, bool frozen,
                      absl::Time now) {
  const std::string& name = stored.connection.name;
  const SqlInteger incarnation = stored.incarnation;
  const int flag = frozen ? 1 : 0;
  const SqlInteger revision = NextRevision(session, name);
  const SqlInteger now_us = absl::ToUnixMicros(now);
  const SqlInteger freeze_time_us = frozen ? now_us : 0;
  session << "UPDATE connections SET frozen = :frozen, freeze_time_us = :freeze_time, "
             "revision = :revision, update_time_us = :updated "
             "WHERE name = :name AND incarnation = :incarnation",
      use(flag, "frozen"), use(freeze_time_us, "freeze_time"), use(revision, "revision"),
      use(now_us, "updated"), use(name, "name"), use(incarnation, "incarnation");
}

absl::StatusOr<bool> SelectEmergencyFreeze(soci::session& session) {
  // -1 without the row, so that its absence is no thaw.
  const SqlInteger frozen =
      SelectInteger(session, "SELECT COALESCE(MAX(frozen), -1) FROM emergency_freeze");
  if (frozen < 0) return RegistryCorrupt("the row of the emergency freeze is missing");
  return frozen != 0;
}

absl::Status UpdateEmergencyFreeze(soci::session& session, bool frozen) {
  RETURN_IF_ERROR(SelectEmergencyFreeze(session).status());
  const int flag = frozen ? 1 : 0;
  session << "UPDATE emergency_freeze SET frozen = :frozen WHERE id = 1", use(flag, "frozen");
  return absl::OkStatus();
}

void MarkRemoved(soci::session& session, const StoredConnection& stored, absl::Time now) {
  const std::string& name = stored.connection.name;
  const SqlInteger incarnation = stored.incarnation;
  const SqlInteger revision = NextRevision(session, name);
  const SqlInteger now_us = absl::ToUnixMicros(now);
  session << "UPDATE connections SET removed = 1, revision = :revision, update_time_us = :updated "
             "WHERE name = :name AND incarnation = :incarnation",
      use(revision, "revision"), use(now_us, "updated"), use(name, "name"),
      use(incarnation, "incarnation");
}

void DeleteConnection(soci::session& session, const std::string& name, int64_t incarnation) {
  const SqlInteger which = incarnation;
  session << "DELETE FROM connections WHERE name = :name AND incarnation = :incarnation",
      use(name, "name"), use(which, "incarnation");
}

}  // namespace keyward::registry
