#include "keystore/registry/migrations.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_database.h"

namespace keyward::registry {
namespace {

// connection_names outlives the connections: it holds the counters that must
// never go back, so that neither a key version's number nor an etag is ever
// used twice for a name. An incarnation is the 1st, 2nd, ... connection of a
// name; at most one of them is not removed.
const Migration kFirst = {
    1,
    {
        R"sql(CREATE TABLE connection_names (
  name          TEXT PRIMARY KEY NOT NULL,
  incarnations  BIGINT NOT NULL,
  last_number   BIGINT NOT NULL,
  last_revision BIGINT NOT NULL
))sql",
        R"sql(CREATE TABLE connections (
  name           TEXT NOT NULL REFERENCES connection_names (name),
  incarnation    BIGINT NOT NULL,
  removed        INTEGER NOT NULL CHECK (removed IN (0, 1)),
  consumer_key   TEXT NOT NULL,
  environment    TEXT NOT NULL CHECK (environment IN ('PRODUCTION', 'SANDBOX', 'CUSTOM')),
  login_url      TEXT NOT NULL,
  audiences      TEXT NOT NULL,
  subjects       TEXT NOT NULL,
  include_kid    INTEGER NOT NULL CHECK (include_kid IN (0, 1)),
  revision       BIGINT NOT NULL,
  create_time_us BIGINT NOT NULL,
  update_time_us BIGINT NOT NULL,
  PRIMARY KEY (name, incarnation)
))sql",
        "CREATE UNIQUE INDEX connections_one_live ON connections (name) WHERE removed = 0",
        R"sql(CREATE TABLE key_versions (
  connection               TEXT NOT NULL,
  incarnation              BIGINT NOT NULL,
  number                   BIGINT NOT NULL CHECK (number BETWEEN 1 AND 4294967295),
  state                    TEXT NOT NULL CHECK (state IN ('GENERATING', 'PENDING', 'ACTIVE',
                             'RETIRING', 'DISABLED', 'DESTROYING', 'DESTROYED')),
  key_id                   TEXT NOT NULL UNIQUE,
  algorithm                TEXT NOT NULL,
  key_bits                 BIGINT NOT NULL,
  create_time_us           BIGINT NOT NULL,
  certificate              TEXT NOT NULL,
  kid                      TEXT NOT NULL,
  certificate_not_after_us BIGINT NOT NULL,
  PRIMARY KEY (connection, number),
  FOREIGN KEY (connection, incarnation) REFERENCES connections (name, incarnation),
  CHECK (certificate <> '' OR state IN ('GENERATING', 'DESTROYING', 'DESTROYED'))
))sql",
        R"sql(CREATE UNIQUE INDEX key_versions_one_active ON key_versions (connection)
WHERE state = 'ACTIVE')sql",
    },
};

// A JSON array of base64, as EncodeChain() writes it.
const Migration kSecond = {
    2,
    {"ALTER TABLE key_versions ADD COLUMN certificate_chain TEXT NOT NULL DEFAULT '[]'"},
};

// Who may sign what: patterns of subjects, freezes and approvals. The audit log's own
// connection needs no column: its name, which no caller can give, is enough.
const Migration kThird = {
    3,
    {
        "ALTER TABLE connections ADD COLUMN subject_patterns TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE connections ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0 "
        "CHECK (frozen IN (0, 1))",
        "ALTER TABLE connections ADD COLUMN freeze_time_us BIGINT NOT NULL DEFAULT 0",
        // Exactly one row, always: its absence is damage, not a freeze that ended.
        R"sql(CREATE TABLE emergency_freeze (
  id     INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
  frozen INTEGER NOT NULL CHECK (frozen IN (0, 1))
))sql",
        "INSERT INTO emergency_freeze (id, frozen) VALUES (1, 0)",
        // connection is not a reference: an approval outlives the connection.
        R"sql(CREATE TABLE approvals (
  name           TEXT PRIMARY KEY NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'REFUSED', 'USED')),
  method         TEXT NOT NULL,
  connection     TEXT NOT NULL,
  changes        TEXT NOT NULL,
  request_sha256 TEXT NOT NULL,
  requester      TEXT NOT NULL,
  before_json    TEXT NOT NULL,
  after_json     TEXT NOT NULL,
  create_time_us BIGINT NOT NULL,
  expire_time_us BIGINT NOT NULL,
  decided_by     TEXT NOT NULL,
  decide_time_us BIGINT NOT NULL,
  comment        TEXT NOT NULL
))sql",
        "CREATE INDEX approvals_by_request ON approvals (requester, request_sha256)",
    },
};

// Exactly one row, always; number 0 before the first anchor.
const Migration kFourth = {
    4,
    {
        R"sql(CREATE TABLE audit_anchor (
  id       INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
  sequence BIGINT NOT NULL CHECK (sequence >= 0),
  sha256   TEXT NOT NULL
))sql",
        "INSERT INTO audit_anchor (id, sequence, sha256) VALUES (1, 0, '')",
    },
};

int64_t SchemaVersion(soci::session& session) {
  long long version = 0;  // NOLINT(google-runtime-int): the type that SOCI binds
  session << "SELECT COALESCE(MAX(number), 0) FROM schema_migrations", soci::into(version);
  return version;
}

void Apply(soci::session& session, const Migration& migration) {
  for (const std::string& statement : migration.statements) session << statement;
  const long long now = absl::ToUnixMicros(absl::Now());  // NOLINT(google-runtime-int)
  session << "INSERT INTO schema_migrations (number, apply_time_us) VALUES (:number, :now)",
      soci::use(migration.number, "number"), soci::use(now, "now");
}

}  // namespace

absl::Span<const Migration> Migrations() {
  static const auto* const kAll = new std::vector<Migration>{kFirst, kSecond, kThird, kFourth};
  return *kAll;
}

absl::Status Migrate(SqlBackend& backend, absl::Span<const Migration> migrations) {
  const int newest = migrations.empty() ? 0 : migrations.back().number;
  RETURN_IF_ERROR(RunTransaction(backend, backend.begin_write(), [&](soci::session& session) {
    session << "CREATE TABLE IF NOT EXISTS schema_migrations ("
               "number BIGINT PRIMARY KEY NOT NULL, apply_time_us BIGINT NOT NULL)";
    const int64_t version = SchemaVersion(session);
    if (version <= newest) return absl::OkStatus();
    return Error(absl::StatusCode::kFailedPrecondition, "REGISTRY_SCHEMA_TOO_NEW",
                 absl::StrCat("the registry has schema version ", version,
                              " and this program knows versions up to ", newest,
                              "; install the version of Keyward that wrote it, or restore a backup "
                              "made before the upgrade"));
  }));
  for (const Migration& migration : migrations) {
    RETURN_IF_ERROR(RunTransaction(backend, backend.begin_write(), [&](soci::session& session) {
      // Another process may have been faster.
      if (SchemaVersion(session) < migration.number) Apply(session, migration);
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

}  // namespace keyward::registry
