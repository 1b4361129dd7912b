#include "keystore/registry/sql_database.h"

#include <exception>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace keyward::registry {
namespace {

// Undone when it dies uncommitted.
class Transaction {
 public:
  Transaction(soci::session& session, const std::string& begin) : session_(session) {
    session_ << begin;
    open_ = true;
  }
  ~Transaction() {
    if (!open_) return;
    try {
      session_.rollback();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch)
      // After a full disk or an I/O error the database has undone it already.
    }
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void Commit() {
    session_.commit();
    open_ = false;
  }

 private:
  soci::session& session_;
  bool open_ = false;
};

}  // namespace

absl::Status RunTransaction(SqlBackend& backend, const std::string& begin, SqlDatabase::Body body) {
  try {
    RETURN_IF_ERROR(backend.CheckUsable());
    Transaction transaction(backend.session(), begin);
    RETURN_IF_ERROR(body(backend.session()));
    transaction.Commit();
    return absl::OkStatus();
  } catch (const soci::soci_error& error) {
    return backend.ToStatus(error);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("registry: ", error.what()));
  }
}

absl::Status SqlDatabase::Write(Body body) {
  MutexLock lock(&mutex_);
  return RunTransaction(*backend_, backend_->begin_write(), body);
}

absl::Status SqlDatabase::Read(Body body) {
  MutexLock lock(&mutex_);
  return RunTransaction(*backend_, backend_->begin_read(), body);
}

}  // namespace keyward::registry
