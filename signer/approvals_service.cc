#include "signer/approvals_service.h"

#include <vector>

#include "common/connection_name.h"
#include "common/status_macros.h"
#include "signer/connection_rules.h"
#include "signer/conversions.h"

namespace keyward::signer {
namespace {

// Clients take messages of at most 4 MiB.
constexpr size_t kMaxListBytes = size_t{3} << 20;

}  // namespace

grpc::Status ApprovalsService::ListApprovals(grpc::ServerContext* context,
                                             const v1::ListApprovalsRequest* request,
                                             v1::ListApprovalsResponse* response) {
  const std::string& connection = request->connection();
  return administration_.RunForAnyConnection(
      *context, "ListApprovals", [&](PermittedCall& call) -> absl::Status {
        if (!connection.empty() && connection != kAllConnections) {
          RETURN_IF_ERROR(CheckConnectionName(connection));
        }
        call.record.connection = connection;
        ASSIGN_OR_RETURN(
            const std::vector<registry::Approval> approvals,
            administration_.approvals().List(call.policy, call.record.identity, request->all(),
                                             connection, call.record.time));
        size_t bytes = 0;
        for (const registry::Approval& approval : approvals) {
          v1::Approval proto = ToProto(approval, call.record.time);
          bytes += proto.ByteSizeLong();
          if (bytes > kMaxListBytes) break;
          *response->add_approvals() = std::move(proto);
        }
        return absl::OkStatus();
      });
}

grpc::Status ApprovalsService::GetApproval(grpc::ServerContext* context,
                                           const v1::GetApprovalRequest* request,
                                           v1::Approval* response) {
  return administration_.RunForAnyConnection(
      *context, "GetApproval", [&](PermittedCall& call) -> absl::Status {
        ASSIGN_OR_RETURN(
            const registry::Approval approval,
            administration_.approvals().Get(call.policy, request->name(), call.record));
        *response = ToProto(approval, call.record.time);
        return absl::OkStatus();
      });
}

grpc::Status ApprovalsService::ApproveApproval(grpc::ServerContext* context,
                                               const v1::ApproveApprovalRequest* request,
                                               v1::Approval* response) {
  return Decide(*context, /*approve=*/true, request->name(), request->comment(), *response);
}

grpc::Status ApprovalsService::RefuseApproval(grpc::ServerContext* context,
                                              const v1::RefuseApprovalRequest* request,
                                              v1::Approval* response) {
  return Decide(*context, /*approve=*/false, request->name(), request->comment(), *response);
}

grpc::Status ApprovalsService::Decide(const grpc::ServerContext& context, bool approve,
                                      const std::string& name, const std::string& comment,
                                      v1::Approval& response) {
  return administration_.RunForAnyConnection(
      context, approve ? "ApproveApproval" : "RefuseApproval",
      [&](PermittedCall& call) -> absl::Status {
        RETURN_IF_ERROR(CheckComment(comment));
        call.record.comment = comment;
        ASSIGN_OR_RETURN(
            const registry::Approval decided,
            administration_.approvals().Decide(call.policy, name, approve, comment, call.record));
        response = ToProto(decided, call.record.time);
        return absl::OkStatus();
      });
}

}  // namespace keyward::signer
