#include "signer/administration.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/synchronization/notification.h"
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

absl::Status AppendAndWait(AuditLog& audit, AuditRecord record) {
  absl::Notification written;
  absl::Status status;
  audit.Append(std::move(record), [&](const absl::Status& durable) {
    status = durable;
    written.Notify();
  });
  written.WaitForNotification();
  return status;
}

}  // namespace

absl::Time DeadlineOf(const grpc::ServerContext& context) {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + kLongestCall);
}

grpc::Status Administration::Run(const Call& call, absl::FunctionRef<absl::Status()> work) {
  return RunWithRecord(call, [&](AuditRecord& /*record*/) { return work(); });
}

grpc::Status Administration::RunWithRecord(const Call& call,
                                           absl::FunctionRef<absl::Status(AuditRecord&)> work) {
  AuditRecord record{.time = absl::Now(),
                     .trace_id = server::TraceIdOf(call.context),
                     .method = std::string(call.method),
                     .connection = CutName(call.connection)};
  // As in Sign: only where it is well-formed, and of refusals too.
  if (CheckIdentity(call.on_behalf_of).ok()) record.on_behalf_of = std::string(call.on_behalf_of);
  const auto decide = [&]() -> absl::Status {
    RETURN_IF_ERROR(parts_.audit.CheckWritable());
    RETURN_IF_ERROR(Identify(call.context, record));
    RETURN_IF_ERROR(CheckOnBehalfOf(call.on_behalf_of));
    RETURN_IF_ERROR(CheckConnectionName(call.connection));
    const Decision decision =
        parts_.policy.Decide({record.identity, call.connection, call.operation});
    RETURN_IF_ERROR(decision.status);
    record.role = std::string(decision.role);
    return work(record);
  };
  const absl::Status status = decide();
  return Conclude(status, std::move(record));
}

grpc::Status Administration::RunForAnyConnection(
    const grpc::ServerContext& context, absl::string_view method,
    absl::FunctionRef<absl::Status(const std::string&)> work) {
  AuditRecord record{
      .time = absl::Now(), .trace_id = server::TraceIdOf(context), .method = std::string(method)};
  const auto decide = [&]() -> absl::Status {
    RETURN_IF_ERROR(parts_.audit.CheckWritable());
    RETURN_IF_ERROR(Identify(context, record));
    return work(record.identity);
  };
  const absl::Status status = decide();
  return Conclude(status, std::move(record));
}

absl::Status Administration::Identify(const grpc::ServerContext& context,
                                      AuditRecord& record) const {
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  absl::StatusOr<std::string> identity = parts_.callers.IdentityOf(*peer);
  record.identity = identity.ok() ? *std::move(identity) : parts_.callers.NameOf(*peer);
  return identity.status();
}

grpc::Status Administration::Conclude(const absl::Status& status, AuditRecord record) {
  if (!status.ok()) {
    record.refusal = ReasonOf(status).value_or("INTERNAL");
    if (!ReasonOf(status)) {
      spdlog::error("{} {}: {}", record.method, record.connection, std::string(status.message()));
    }
  }
  const std::string method = record.method;
  const absl::Status recorded = AppendAndWait(parts_.audit, std::move(record));
  grpc::Status answer = server::ToGrpcStatus(status.ok() ? recorded : status);
  parts_.calls.Count(method, answer);
  return answer;
}

absl::Status Administration::RefreshSnapshot() {
  ASSIGN_OR_RETURN(registry::Contents contents, registry().Load());
  ASSIGN_OR_RETURN(std::shared_ptr<const registry::Snapshot> snapshot,
                   registry::Snapshot::New(std::move(contents)));
  parts_.snapshots.Set(std::move(snapshot));
  return absl::OkStatus();
}

}  // namespace keyward::signer
