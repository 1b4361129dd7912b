#include "keystore/registry/sqlite_backend.h"

#include <soci/sqlite3/soci-sqlite3.h>

#include <exception>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_select.h"
#include "keystore/registry/sql_values.h"
#include "keystore/registry/sqlite_file.h"

namespace keyward::registry {
namespace {

// "Kywd", in the header of every file of ours (PRAGMA application_id).
constexpr SqlInteger kApplicationId = 0x4B797764;

sqlite_api::sqlite3* Handle(soci::session& session) {
  return static_cast<soci::sqlite3_session_backend*>(session.get_backend())->conn_;
}

// SQLite's primary result code, or SQLITE_ERROR for an exception of SOCI's own.
int ResultOf(const soci::soci_error& error) {
  const auto* sqlite_error = dynamic_cast<const soci::sqlite3_soci_error*>(&error);
  return sqlite_error == nullptr ? SQLITE_ERROR : sqlite_error->result() & 0xFF;
}

std::string SelectText(soci::session& session, const std::string& sql) {
  std::string text;
  session << sql, soci::into(text);
  return text;
}

absl::Status OpeningError(const std::string& path, const SqlBackend& backend,
                          const soci::soci_error& error) {
  if (ResultOf(error) == SQLITE_READONLY) {
    return RegistryReadOnly(path, sqlite_api::sqlite3_errstr(SQLITE_READONLY));
  }
  return Annotate(backend.ToStatus(error), path);
}

}  // namespace

SqliteBackend::SqliteBackend(const std::string& file, absl::Duration busy_timeout)
    : session_(soci::sqlite3, file) {
  sqlite_api::sqlite3_busy_timeout(Handle(session_),
                                   static_cast<int>(absl::ToInt64Milliseconds(busy_timeout)));
}

absl::StatusOr<std::unique_ptr<SqlBackend>> SqliteBackend::New(const std::string& path,
                                                               const SqliteOptions& options) {
  const absl::Time deadline = absl::Now() + options.busy_timeout;
  ASSIGN_OR_RETURN(const std::string file, PrepareSqliteFile(path));
  std::unique_ptr<SqliteBackend> backend;
  try {
    backend = absl::WrapUnique(new SqliteBackend(file, options.busy_timeout));
  } catch (const std::exception&) {
    return RegistryUnavailable(absl::StrCat("SQLite cannot open ", file));
  }
  try {
    absl::Status usable = backend->CheckIntegrity();
    if (usable.ok()) usable = backend->CheckOwner();
    if (usable.ok()) usable = backend->Configure(deadline);
    if (!usable.ok()) return Annotate(usable, file);
  } catch (const soci::soci_error& error) {
    return OpeningError(file, *backend, error);
  }
  return backend;
}

absl::Status SqliteBackend::CheckIntegrity() {
  const std::string verdict = SelectText(session_, "PRAGMA quick_check(1)");
  return verdict == "ok" ? absl::OkStatus() : RegistryCorrupt(verdict);
}

absl::Status SqliteBackend::CheckOwner() {
  // In this order: another process may be making the same file, and it writes the
  // mark before the first table.
  const SqlInteger tables = SelectInteger(session_, "SELECT COUNT(*) FROM sqlite_master");
  if (SelectInteger(session_, "PRAGMA application_id") == kApplicationId) return absl::OkStatus();
  if (tables > 0) {
    return Error(absl::StatusCode::kFailedPrecondition, "REGISTRY_FOREIGN",
                 "this is the SQLite database of another program; give the registry a file of "
                 "its own");
  }
  session_ << absl::StrCat("PRAGMA application_id = ", kApplicationId);
  return absl::OkStatus();
}

std::string SqliteBackend::SetJournalMode(absl::Time deadline) {
  for (;;) {
    try {
      return SelectText(session_, "PRAGMA journal_mode = WAL");
    } catch (const soci::soci_error& error) {
      // Another process is doing the same to a new file. SQLite does not wait
      // here, but it does where a transaction begins.
      if (ResultOf(error) != SQLITE_BUSY || absl::Now() > deadline) throw;
    }
    session_ << begin_write();
    session_ << "ROLLBACK";
  }
}

absl::Status SqliteBackend::Configure(absl::Time deadline) {
  if (SetJournalMode(deadline) != "wal") {
    return RegistryUnavailable(
        "the file system does not support SQLite's write-ahead log; use a local one");
  }
  session_ << "PRAGMA synchronous = FULL";
  session_ << "PRAGMA foreign_keys = ON";
  session_ << "PRAGMA trusted_schema = OFF";
  if (SelectInteger(session_, "PRAGMA synchronous") != 2 ||
      SelectInteger(session_, "PRAGMA foreign_keys") != 1) {
    return RegistryUnavailable("this SQLite keeps no foreign keys or does not wait for the disk");
  }
  return absl::OkStatus();
}

const std::string& SqliteBackend::begin_read() const {
  static const std::string* const kBegin = new std::string("BEGIN");
  return *kBegin;
}

const std::string& SqliteBackend::begin_write() const {
  // A transaction that turns from reading to writing fails at once when another
  // wrote in between, without waiting for busy_timeout.
  static const std::string* const kBegin = new std::string("BEGIN IMMEDIATE");
  return *kBegin;
}

absl::Status SqliteBackend::CheckUsable() {
  // What is written to a file that was deleted or replaced is lost.
  int moved = 0;
  sqlite_api::sqlite3_file_control(Handle(session_), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (moved == 0) return absl::OkStatus();
  return RegistryUnavailable(
      "the registry's file was deleted or replaced while it was open; restart keyward-signer");
}

absl::Status SqliteBackend::ToStatus(const soci::soci_error& error) const {
  const int result = ResultOf(error);
  const std::string words = sqlite_api::sqlite3_errstr(result);
  switch (result) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return RegistryCorrupt(words);
    case SQLITE_CONSTRAINT:
      return Error(absl::StatusCode::kAborted, "REGISTRY_CONFLICT",
                   "the change contradicts what the registry holds; read it again and repeat");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return RegistryUnavailable(
          "another process keeps the registry locked; repeat, and end that process if it stays");
    default:
      return RegistryUnavailable(absl::StrCat("the registry does not work: ", words));
  }
}

}  // namespace keyward::registry
