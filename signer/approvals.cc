#include "signer/approvals.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

using registry::Approval;
using registry::ApprovalState;

constexpr size_t kNameLength = 26;
constexpr absl::string_view kNameAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

absl::StatusOr<std::string> NewName() {
  std::array<uint8_t, kNameLength> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return OpensslError("cannot name an approval");
  std::string name;
  for (const uint8_t byte : bytes) name += kNameAlphabet[byte % kNameAlphabet.size()];
  return name;
}

bool IsName(absl::string_view text) {
  return text.size() == kNameLength &&
         text.find_first_not_of(kNameAlphabet) == absl::string_view::npos;
}

// Of what was asked for and of what it comes to: where the connection has changed in
// between so that the same request does something else now, nobody has approved that.
std::string DigestOf(const WantedChange& change) {
  const std::string created = absl::StrCat(absl::ToUnixNanos(change.create_time));
  std::string bytes;
  for (const absl::string_view part :
       {change.method, absl::string_view(change.connection), absl::string_view(created),
        absl::string_view(change.request), absl::string_view(change.after)}) {
    absl::StrAppend(&bytes, part.size(), ":", part);
  }
  return HexSha256(bytes);
}

absl::Status About(const Approval& approval, absl::StatusCode code, absl::string_view reason,
                   absl::string_view sentence) {
  return WithMetadata(Error(code, reason, sentence), "approval", approval.name);
}

absl::Status Required(const Approval& approval) {
  return About(
      approval, absl::StatusCode::kFailedPrecondition, "APPROVAL_REQUIRED",
      absl::StrCat("a second person must approve this (", absl::StrJoin(approval.changes, ", "),
                   "): have somebody else approve ", approval.name, ", then repeat the same call"));
}

absl::Status Refused(const Approval& approval) {
  return About(approval, absl::StatusCode::kPermissionDenied, "APPROVAL_REFUSED",
               absl::StrCat(approval.decided_by, " refused this in ", approval.name,
                            "; ask them, or ask again once that has expired"));
}

absl::Status NotFound() {
  return Error(absl::StatusCode::kNotFound, "APPROVAL_NOT_FOUND",
               "there is no such approval; see 'keyward approval list --all'");
}

bool MayDo(const AuthorizationPolicy& policy, absl::string_view identity,
           const Approval& approval) {
  const Operations operations = OperationsOf(approval.method);
  return !operations.empty() &&
         DecideAll(policy, identity, approval.connection, operations).status.ok();
}

bool MaySee(const AuthorizationPolicy& policy, absl::string_view identity,
            const Approval& approval) {
  return DecideAll(policy, identity, approval.connection, {Operation::kView}).status.ok() ||
         MayDo(policy, identity, approval);
}

}  // namespace

Operations OperationsOf(absl::string_view method) {
  if (method == "UpdateConnection") return {Operation::kManageConnections};
  if (method == "DeleteConnection") return {Operation::kManageConnections, Operation::kDestroy};
  if (method == "AdoptKey") return {Operation::kAdopt};
  if (method == "ThawConnection" || method == "SetEmergencyFreeze") return {Operation::kActivate};
  return {};
}

Decision DecideAll(const AuthorizationPolicy& policy, absl::string_view identity,
                   absl::string_view connection, const Operations& operations) {
  Decision decision;
  for (const Operation operation : operations) {
    decision = connection == kAllConnections
                   ? policy.DecideForAll(identity, operation)
                   : policy.Decide(
                         {.identity = identity, .connection = connection, .operation = operation});
    if (!decision.status.ok()) return decision;
  }
  return decision;
}

std::string CanonicalRequest(const google::protobuf::Message& request) {
  const std::unique_ptr<google::protobuf::Message> copy(request.New());
  copy->CopyFrom(request);
  const auto* etag = copy->GetDescriptor()->FindFieldByName("etag");
  if (etag != nullptr) copy->GetReflection()->ClearField(copy.get(), etag);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    copy->SerializeToCodedStream(&coded);
  }
  return bytes;
}

absl::StatusOr<Approved> Approvals::Require(const AuthorizationPolicy& policy,
                                            const WantedChange& change, AuditRecord& record,
                                            bool& asked) {
  record.before = change.before;
  record.after = change.after;
  const bool needed = std::any_of(change.changes.begin(), change.changes.end(),
                                  [&](Change part) { return policy.NeedsApproval(part); });
  if (!needed) return Approved{};

  const std::string digest = DigestOf(change);
  ASSIGN_OR_RETURN(const std::optional<Approval> found,
                   registry_.approvals().Find(record.identity, digest, record.time));
  if (found && found->state != ApprovalState::kApproved) {
    record.approval = found->name;
    return found->state == ApprovalState::kRefused ? Refused(*found) : Required(*found);
  }
  if (found) {
    record.approval = found->name;
    // Of several calls at once one gets it.
    RETURN_IF_ERROR(registry_.approvals().Use(found->name, record.time));
    const bool counts =
        found->decided_by != record.identity && MayDo(policy, found->decided_by, *found);
    if (counts) return Approved{found->name};
    // It stays used: that right may come back, but nobody would think of this any more.
    record.detail =
        absl::StrCat("approval ", found->name, " does not count any more: ", found->decided_by,
                     " may not do this now");
  }
  ASSIGN_OR_RETURN(const Approval asked_for, AskFor(policy, change, digest, record, asked));
  record.approval = asked_for.name;
  return Required(asked_for);
}

absl::StatusOr<Approval> Approvals::AskFor(const AuthorizationPolicy& policy,
                                           const WantedChange& change, const std::string& digest,
                                           AuditRecord& record, bool& asked) {
  ASSIGN_OR_RETURN(const std::vector<Approval> recent,
                   registry_.approvals().List("", /*only_pending=*/false, record.time));
  const auto taken_back = std::count_if(recent.begin(), recent.end(), [&](const Approval& other) {
    return other.requester == record.identity && other.decided_by == record.identity &&
           record.time < other.expire_time;
  });
  if (static_cast<size_t>(taken_back) >= kMaxTakenBack) {
    return Error(absl::StatusCode::kResourceExhausted, "TOO_MANY_APPROVALS",
                 absl::StrCat("you have taken back ", taken_back,
                              " approvals that you asked for: wait until they expire"));
  }
  Approval wanted{.method = std::string(change.method),
                  .connection = change.connection,
                  .request_sha256 = digest,
                  .requester = record.identity,
                  .before_json = change.before,
                  .after_json = change.after,
                  .create_time = record.time,
                  .expire_time = record.time + policy.approval_lifetime()};
  ASSIGN_OR_RETURN(wanted.name, NewName());
  for (const Change part : change.changes) {
    if (policy.NeedsApproval(part)) wanted.changes.emplace_back(ChangeName(part));
  }
  ASSIGN_OR_RETURN(Approval created, registry_.approvals().Create(wanted));
  asked = created.name == wanted.name;
  return created;
}

void Approvals::GiveBack(const Approved& approved) {
  if (approved.name.empty()) return;
  const absl::Status status = registry_.approvals().GiveBack(approved.name);
  if (status.ok()) return;
  spdlog::warn("approval {} counts as used, though nothing was done: {}", approved.name,
               std::string(status.message()));
}

absl::StatusOr<std::vector<Approval>> Approvals::List(const AuthorizationPolicy& policy,
                                                      absl::string_view identity, bool all,
                                                      absl::string_view connection,
                                                      absl::Time now) {
  // More than are shown: those that the caller may not see must not take their places.
  constexpr size_t kMaxRead = 4 * registry::kMaxListedApprovals;
  ASSIGN_OR_RETURN(std::vector<Approval> approvals,
                   registry_.approvals().List(connection, !all, now, kMaxRead));
  approvals.erase(
      std::remove_if(approvals.begin(), approvals.end(),
                     [&](const Approval& approval) { return !MaySee(policy, identity, approval); }),
      approvals.end());
  if (approvals.size() > registry::kMaxListedApprovals) {
    approvals.resize(registry::kMaxListedApprovals);
  }
  return approvals;
}

absl::StatusOr<Approval> Approvals::Get(const AuthorizationPolicy& policy, absl::string_view name,
                                        AuditRecord& record) {
  if (!IsName(name)) return NotFound();
  record.approval = std::string(name);
  absl::StatusOr<Approval> approval = registry_.approvals().Get(name);
  if (absl::IsNotFound(approval.status())) return NotFound();
  RETURN_IF_ERROR(approval.status());
  if (!MaySee(policy, record.identity, *approval)) return NotFound();
  record.connection = approval->connection;
  return approval;
}

absl::StatusOr<Approval> Approvals::Decide(const AuthorizationPolicy& policy,
                                           absl::string_view name, bool approve,
                                           absl::string_view comment, AuditRecord& record) {
  ASSIGN_OR_RETURN(const Approval approval, Get(policy, name, record));
  if (approval.requester == record.identity) {
    if (approve) {
      return About(approval, absl::StatusCode::kPermissionDenied, "APPROVAL_BY_REQUESTER",
                   "you asked for this yourself: somebody else must approve it");
    }
  } else {
    const Decision decision =
        DecideAll(policy, record.identity, approval.connection, OperationsOf(approval.method));
    record.role = std::string(decision.role);
    RETURN_IF_ERROR(decision.status);
  }
  return registry_.approvals().Decide(name, approve, record.identity, comment, record.time);
}

}  // namespace keyward::signer
