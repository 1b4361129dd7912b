#include "signer/administration.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "common/connection_name.h"
#include "common/error.h"
#include "common/server/call_trace.h"
#include "common/server/grpc_status.h"
#include "common/status_macros.h"
#include "signer/caller_identity.h"
#include "signer/connection_rules.h"

namespace keyward::signer {
namespace {

// Tokens have been seen to take a minute for a key.
constexpr absl::Duration kLongestCall = absl::Minutes(5);

// Whether work that ended with `status` may have changed something before it failed.
bool MayBeHalfDone(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return false;
    default:
      return true;
  }
}

bool HasAnyRole(const AuthorizationPolicy& policy, absl::string_view identity) {
  for (size_t i = 0; i < kOperationNames.size(); ++i) {
    if (policy.AllowsAny(identity, static_cast<Operation>(i))) return true;
  }
  return false;
}

// Nobody who has to stop signing now waits for a quota.
bool MayNotWait(absl::string_view method) {
  return method == "FreezeConnection" || method == "SetEmergencyFreeze";
}

}  // namespace

absl::Time DeadlineOf(const grpc::ServerContext& context) {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + kLongestCall);
}

grpc::Status Administration::Run(const Call& call, Work work) {
  AuditRecord record{.method = std::string(call.method), .connection = CutName(call.connection)};
  // As in Sign: only where it is well-formed, and of refusals too.
  if (CheckIdentity(call.on_behalf_of).ok()) record.on_behalf_of = std::string(call.on_behalf_of);
  const auto decide = [&](PermittedCall& permitted) -> absl::Status {
    RETURN_IF_ERROR(CheckOnBehalfOf(call.on_behalf_of));
    RETURN_IF_ERROR(CheckConnectionName(call.connection));
    const Decision decision =
        DecideAll(permitted.policy, permitted.record.identity, call.connection, call.operations);
    permitted.record.role = std::string(decision.role);
    return decision.status;
  };
  return Conduct(call.context, std::move(record), decide, work);
}

grpc::Status Administration::RunForAllConnections(const grpc::ServerContext& context,
                                                  absl::string_view method, Operation operation,
                                                  Work work) {
  const auto decide = [&](PermittedCall& permitted) {
    const Decision decision = permitted.policy.DecideForAll(permitted.record.identity, operation);
    permitted.record.role = std::string(decision.role);
    return decision.status;
  };
  return Conduct(context, {.method = std::string(method), .connection = kAllConnections}, decide,
                 work);
}

grpc::Status Administration::RunForAnyConnection(const grpc::ServerContext& context,
                                                 absl::string_view method, Work work) {
  // Whose every answer would be empty is refused: refusals are counted, and so a
  // certificate without a role cannot fill the disk with records of successes.
  const auto decide = [](PermittedCall& permitted) -> absl::Status {
    if (HasAnyRole(permitted.policy, permitted.record.identity)) return absl::OkStatus();
    const Decision why = permitted.policy.DecideForAll(permitted.record.identity, Operation::kView);
    permitted.record.role = std::string(why.role);
    return why.status;
  };
  return Conduct(context, {.method = std::string(method)}, decide, work);
}

grpc::Status Administration::Conduct(const grpc::ServerContext& context, AuditRecord record,
                                     absl::FunctionRef<absl::Status(PermittedCall&)> decide,
                                     Work work) {
  record.time = absl::Now();
  record.trace_id = server::TraceIdOf(context);
  const std::shared_ptr<const AuthorizationPolicy> policy = parts_.policies.Get();
  PermittedCall call{record, *policy};
  bool begun = false;
  const auto conduct = [&]() -> absl::Status {
    RETURN_IF_ERROR(parts_.audit.CheckWritable());
    RETURN_IF_ERROR(Identify(context, record));
    if (!MayNotWait(record.method)) {
      RETURN_IF_ERROR(parts_.quotas.TakeOfIdentity(*policy, record.identity));
    }
    RETURN_IF_ERROR(decide(call));
    begun = true;
    return work(call);
  };
  const absl::Status status = conduct();
  if (status.ok() && call.leave_unrecorded) {
    parts_.calls.Count(record.method, grpc::Status::OK);
    return grpc::Status::OK;
  }
  const bool wait = status.ok() || call.asked_for_approval || (begun && MayBeHalfDone(status));
  return Conclude(status, std::move(record), wait);
}

absl::Status Administration::Identify(const grpc::ServerContext& context,
                                      AuditRecord& record) const {
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  absl::StatusOr<std::string> identity = parts_.callers.IdentityOf(*peer);
  record.identity = identity.ok() ? *std::move(identity) : parts_.callers.NameOf(*peer);
  return identity.status();
}

grpc::Status Administration::Conclude(const absl::Status& status, AuditRecord record, bool wait) {
  if (!status.ok()) {
    record.refusal = ReasonOf(status).value_or("INTERNAL");
    if (!ReasonOf(status)) {
      spdlog::error("{} {}: {}", record.method, record.connection, std::string(status.message()));
    }
  }
  const std::string method = record.method;
  absl::Status recorded;
  if (wait) {
    recorded = AppendAndWait(parts_.audit, std::move(record));
  } else {
    parts_.audit.AppendRefusal(std::move(record));
  }
  grpc::Status answer = server::ToGrpcStatus(status.ok() ? recorded : status);
  parts_.calls.Count(method, answer);
  return answer;
}

absl::Status Administration::MakeChange(PermittedCall& call, const WantedChange& change,
                                        absl::FunctionRef<absl::Status()> make) {
  ASSIGN_OR_RETURN(const Approved approved,
                   approvals_.Require(call.policy, change, call.record, call.asked_for_approval));
  const absl::Status made = make();
  if (!made.ok()) approvals_.GiveBack(approved);
  return made;
}

}  // namespace keyward::signer
