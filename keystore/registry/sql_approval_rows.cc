#include "keystore/registry/sql_approval_rows.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/sql_select.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

using soci::use;

constexpr char kSelect[] =
    "SELECT name, state, method, connection, changes, request_sha256, requester, before_json, "
    "after_json, create_time_us, expire_time_us, decided_by, decide_time_us, comment "
    "FROM approvals ";
// Of two of the same microsecond the order must be the same each time.
constexpr char kNewestFirst[] = " ORDER BY create_time_us DESC, name";

// An approval as columns. Members, because SOCI binds references.
struct Row {
  Row() = default;
  explicit Row(const Approval& approval)
      : name(approval.name),
        state(EncodeApprovalState(approval.state)),
        method(approval.method),
        connection(approval.connection),
        changes(EncodeList(approval.changes)),
        request_sha256(approval.request_sha256),
        requester(approval.requester),
        before_json(approval.before_json),
        after_json(approval.after_json),
        decided_by(approval.decided_by),
        comment(approval.comment),
        create_time_us(absl::ToUnixMicros(approval.create_time)),
        expire_time_us(absl::ToUnixMicros(approval.expire_time)),
        decide_time_us(approval.decide_time ? absl::ToUnixMicros(*approval.decide_time) : 0) {}

  void Define(soci::statement& statement) {
    using soci::into;
    statement.exchange(into(name));
    statement.exchange(into(state));
    statement.exchange(into(method));
    statement.exchange(into(connection));
    statement.exchange(into(changes));
    statement.exchange(into(request_sha256));
    statement.exchange(into(requester));
    statement.exchange(into(before_json));
    statement.exchange(into(after_json));
    statement.exchange(into(create_time_us));
    statement.exchange(into(expire_time_us));
    statement.exchange(into(decided_by));
    statement.exchange(into(decide_time_us));
    statement.exchange(into(comment));
  }

  std::string name, state, method, connection, changes, request_sha256, requester, before_json,
      after_json, decided_by, comment;
  SqlInteger create_time_us = 0, expire_time_us = 0, decide_time_us = 0;
};

absl::StatusOr<Approval> Decode(const Row& row) {
  Approval approval;
  approval.name = row.name;
  ASSIGN_OR_RETURN(approval.state, DecodeApprovalState(row.state));
  approval.method = row.method;
  approval.connection = row.connection;
  ASSIGN_OR_RETURN(approval.changes, DecodeList(row.changes));
  approval.request_sha256 = row.request_sha256;
  approval.requester = row.requester;
  approval.before_json = row.before_json;
  approval.after_json = row.after_json;
  approval.create_time = absl::FromUnixMicros(row.create_time_us);
  approval.expire_time = absl::FromUnixMicros(row.expire_time_us);
  approval.decided_by = row.decided_by;
  if (row.decide_time_us != 0) approval.decide_time = absl::FromUnixMicros(row.decide_time_us);
  approval.comment = row.comment;
  return approval;
}

absl::StatusOr<std::vector<Approval>> Decode(const std::vector<Row>& rows) {
  std::vector<Approval> approvals;
  for (const Row& row : rows) {
    ASSIGN_OR_RETURN(Approval approval, Decode(row));
    approvals.push_back(std::move(approval));
  }
  return approvals;
}

}  // namespace

absl::StatusOr<Approval> SelectApproval(soci::session& session, const std::string& name) {
  const std::string sql = absl::StrCat(kSelect, "WHERE name = :name");
  const std::vector<Row> rows = Select<Row>(session, sql, use(name, "name"));
  if (!rows.empty()) return Decode(rows.front());
  // Without the name, which is whatever a caller wrote.
  return Error(absl::StatusCode::kNotFound, "APPROVAL_NOT_FOUND",
               "there is no such approval; keyward approval list shows those there are");
}

absl::StatusOr<std::vector<Approval>> SelectApprovals(soci::session& session,
                                                      const std::string& connection,
                                                      bool only_pending, absl::Time now,
                                                      size_t limit) {
  const std::string sql =
      absl::StrCat(kSelect,
                   "WHERE (:any_connection = 1 OR connection = :connection) "
                   "AND (:any_state = 1 OR (state = 'PENDING' AND expire_time_us > :now))",
                   kNewestFirst, " LIMIT :limit");
  const int any_connection = connection.empty() ? 1 : 0;
  const int any_state = only_pending ? 0 : 1;
  const SqlInteger now_us = absl::ToUnixMicros(now);
  const auto rows_at_most =
      static_cast<SqlInteger>(std::min<size_t>(limit, std::numeric_limits<SqlInteger>::max()));
  return Decode(Select<Row>(session, sql, use(any_connection, "any_connection"),
                            use(connection, "connection"), use(any_state, "any_state"),
                            use(now_us, "now"), use(rows_at_most, "limit")));
}

absl::StatusOr<std::optional<Approval>> FindApproval(soci::session& session,
                                                     const std::string& requester,
                                                     const std::string& request_sha256,
                                                     absl::Time now) {
  const std::string sql = absl::StrCat(kSelect,
                                       "WHERE requester = :requester AND request_sha256 = :sha256 "
                                       "AND state <> 'USED' AND expire_time_us > :now",
                                       kNewestFirst, " LIMIT 1");
  const SqlInteger now_us = absl::ToUnixMicros(now);
  const std::vector<Row> rows = Select<Row>(session, sql, use(requester, "requester"),
                                            use(request_sha256, "sha256"), use(now_us, "now"));
  if (rows.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Approval approval, Decode(rows.front()));
  return approval;
}

bool IsApprovalNameTaken(soci::session& session, const std::string& name) {
  return SelectInteger(session, "SELECT COUNT(*) FROM approvals WHERE name = :name",
                       use(name, "name")) > 0;
}

int64_t CountPendingApprovals(soci::session& session, absl::Time now) {
  const SqlInteger now_us = absl::ToUnixMicros(now);
  return SelectInteger(session,
                       "SELECT COUNT(*) FROM approvals "
                       "WHERE state = 'PENDING' AND expire_time_us > :now",
                       use(now_us, "now"));
}

int64_t CountPendingApprovalsOf(soci::session& session, const std::string& requester,
                                absl::Time now) {
  const SqlInteger now_us = absl::ToUnixMicros(now);
  return SelectInteger(session,
                       "SELECT COUNT(*) FROM approvals WHERE requester = :requester "
                       "AND state = 'PENDING' AND expire_time_us > :now",
                       use(requester, "requester"), use(now_us, "now"));
}

void InsertApproval(soci::session& session, const Approval& approval) {
  const Row row(approval);
  session << "INSERT INTO approvals (name, state, method, connection, changes, request_sha256, "
             "requester, before_json, after_json, create_time_us, expire_time_us, decided_by, "
             "decide_time_us, comment) VALUES (:name, :state, :method, :connection, :changes, "
             ":sha256, :requester, :before, :after, :created, :expires, :decided_by, :decided, "
             ":comment)",
      use(row.name, "name"), use(row.state, "state"), use(row.method, "method"),
      use(row.connection, "connection"), use(row.changes, "changes"),
      use(row.request_sha256, "sha256"), use(row.requester, "requester"),
      use(row.before_json, "before"), use(row.after_json, "after"),
      use(row.create_time_us, "created"), use(row.expire_time_us, "expires"),
      use(row.decided_by, "decided_by"), use(row.decide_time_us, "decided"),
      use(row.comment, "comment");
}

void UpdateApproval(soci::session& session, const Approval& approval) {
  const Row row(approval);
  session << "UPDATE approvals SET state = :state, decided_by = :decided_by, "
             "decide_time_us = :decided, comment = :comment WHERE name = :name",
      use(row.state, "state"), use(row.decided_by, "decided_by"),
      use(row.decide_time_us, "decided"), use(row.comment, "comment"), use(row.name, "name");
}

void UseApprovals(soci::session& session, const std::string& method,
                  const std::string& connection) {
  session << "UPDATE approvals SET state = 'USED' WHERE state = 'APPROVED' "
             "AND method = :method AND connection = :connection",
      use(method, "method"), use(connection, "connection");
}

void DeleteApprovalsExpiredBefore(soci::session& session, absl::Time time) {
  const SqlInteger time_us = absl::ToUnixMicros(time);
  session << "DELETE FROM approvals WHERE expire_time_us < :time", use(time_us, "time");
}

}  // namespace keyward::registry
