#include "keystore/registry/sql_approvals.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/registry_checks.h"
#include "keystore/registry/sql_approval_rows.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

absl::Time InMicroseconds(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

// What is stored of a new approval.
Approval Undecided(Approval approval) {
  approval.state = ApprovalState::kPending;
  approval.create_time = InMicroseconds(approval.create_time);
  approval.expire_time = InMicroseconds(approval.expire_time);
  approval.decided_by.clear();
  approval.decide_time.reset();
  approval.comment.clear();
  return approval;
}

absl::Status CheckStorable(const Approval& approval) {
  for (const std::string* text :
       {&approval.name, &approval.method, &approval.connection, &approval.request_sha256,
        &approval.requester, &approval.before_json, &approval.after_json}) {
    RETURN_IF_ERROR(CheckText(*text, "approval"));
  }
  for (const std::string& change : approval.changes) {
    RETURN_IF_ERROR(CheckText(change, "approval's change"));
  }
  if (!approval.name.empty() && approval.create_time < approval.expire_time) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("an approval needs a name, and to expire after its creation");
}

absl::Status TooMany(absl::string_view whose) {
  return Error(absl::StatusCode::kResourceExhausted, "TOO_MANY_APPROVALS",
               absl::StrCat(whose,
                            " approvals wait for a decision already; have them decided, or refuse "
                            "those that are not wanted any more"));
}

absl::Status CheckRoomFor(soci::session& session, const Approval& approval) {
  if (CountPendingApprovalsOf(session, approval.requester, approval.create_time) >=
      static_cast<int64_t>(kMaxPendingApprovalsOfRequester)) {
    return TooMany(absl::StrCat(kMaxPendingApprovalsOfRequester, " of this identity's"));
  }
  if (CountPendingApprovals(session, approval.create_time) >=
      static_cast<int64_t>(kMaxPendingApprovals)) {
    return TooMany(absl::StrCat(kMaxPendingApprovals));
  }
  return absl::OkStatus();
}

absl::Status Precondition(absl::string_view reason, absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

absl::Status CheckNotExpired(const Approval& approval, absl::Time now) {
  if (now < approval.expire_time) return absl::OkStatus();
  return Precondition("APPROVAL_EXPIRED",
                      "the approval has expired; repeat the call, which asks for another");
}

}  // namespace

absl::StatusOr<Approval> SqlApprovals::Create(const Approval& approval) {
  Approval created = Undecided(approval);
  RETURN_IF_ERROR(CheckStorable(created));
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(
        std::optional<Approval> present,
        FindApproval(session, created.requester, created.request_sha256, created.create_time));
    if (present) {
      created = *std::move(present);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(CheckRoomFor(session, created));
    if (IsApprovalNameTaken(session, created.name)) {
      return Error(absl::StatusCode::kAlreadyExists, "APPROVAL_EXISTS",
                   "an approval of that name exists; choose another name");
    }
    DeleteApprovalsExpiredBefore(session, created.create_time - kApprovalKeptAfterExpiry);
    InsertApproval(session, created);
    return absl::OkStatus();
  }));
  return created;
}

absl::StatusOr<Approval> SqlApprovals::Get(absl::string_view name) {
  Approval approval;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(approval, SelectApproval(session, Searched(name)));
    return absl::OkStatus();
  }));
  return approval;
}

absl::StatusOr<std::vector<Approval>> SqlApprovals::List(absl::string_view connection,
                                                         bool only_pending, absl::Time now,
                                                         size_t limit) {
  const std::string name(connection);
  RETURN_IF_ERROR(CheckText(name, "connection's name"));
  std::vector<Approval> approvals;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(approvals, SelectApprovals(session, name, only_pending, now, limit));
    return absl::OkStatus();
  }));
  return approvals;
}

absl::StatusOr<std::optional<Approval>> SqlApprovals::Find(absl::string_view requester,
                                                           absl::string_view request_sha256,
                                                           absl::Time now) {
  std::optional<Approval> found;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(found,
                     FindApproval(session, Searched(requester), Searched(request_sha256), now));
    return absl::OkStatus();
  }));
  return found;
}

absl::StatusOr<Approval> SqlApprovals::Decide(absl::string_view name, bool approve,
                                              absl::string_view decided_by,
                                              absl::string_view comment, absl::Time now) {
  const std::string by(decided_by);
  const std::string why(comment);
  RETURN_IF_ERROR(CheckText(by, "identity"));
  RETURN_IF_ERROR(CheckText(why, "comment"));
  Approval approval;
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(approval, SelectApproval(session, Searched(name)));
    if (approval.state != ApprovalState::kPending) {
      return Precondition("APPROVAL_NOT_PENDING",
                          absl::StrCat("the approval is ", EncodeApprovalState(approval.state),
                                       ", so there is nothing left to decide"));
    }
    RETURN_IF_ERROR(CheckNotExpired(approval, now));
    approval.state = approve ? ApprovalState::kApproved : ApprovalState::kRefused;
    approval.decided_by = by;
    approval.decide_time = InMicroseconds(now);
    approval.comment = why;
    UpdateApproval(session, approval);
    return absl::OkStatus();
  }));
  return approval;
}

absl::Status SqlApprovals::Use(absl::string_view name, absl::Time now) {
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(Approval approval, SelectApproval(session, Searched(name)));
    if (approval.state != ApprovalState::kApproved) {
      return Precondition("APPROVAL_NOT_APPROVED",
                          absl::StrCat("the approval is ", EncodeApprovalState(approval.state),
                                       ", not APPROVED; repeat the call to see what is missing"));
    }
    RETURN_IF_ERROR(CheckNotExpired(approval, now));
    approval.state = ApprovalState::kUsed;
    UpdateApproval(session, approval);
    return absl::OkStatus();
  });
}

absl::Status SqlApprovals::GiveBack(absl::string_view name) {
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(Approval approval, SelectApproval(session, Searched(name)));
    if (approval.state != ApprovalState::kUsed) {
      return Precondition("APPROVAL_NOT_USED", "the approval is not USED");
    }
    approval.state = ApprovalState::kApproved;
    UpdateApproval(session, approval);
    return absl::OkStatus();
  });
}

absl::Status SqlApprovals::UseAll(absl::string_view method, absl::string_view connection) {
  return database_.Write([&](soci::session& session) -> absl::Status {
    UseApprovals(session, Searched(method), Searched(connection));
    return absl::OkStatus();
  });
}

}  // namespace keyward::registry
