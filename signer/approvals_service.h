// The Approvals service of proto/keyward/v1/approvals.proto.
#ifndef KEYWARD_SIGNER_APPROVALS_SERVICE_H_
#define KEYWARD_SIGNER_APPROVALS_SERVICE_H_

#include "keyward/v1/approvals.grpc.pb.h"
#include "signer/administration.h"

namespace keyward::signer {

// Synchronous like the other services of administration. Thread-safe.
class ApprovalsService final : public v1::Approvals::Service {
 public:
  explicit ApprovalsService(Administration& administration) : administration_(administration) {}

  grpc::Status ListApprovals(grpc::ServerContext* context, const v1::ListApprovalsRequest* request,
                             v1::ListApprovalsResponse* response) override;
  grpc::Status GetApproval(grpc::ServerContext* context, const v1::GetApprovalRequest* request,
                           v1::Approval* response) override;
  grpc::Status ApproveApproval(grpc::ServerContext* context,
                               const v1::ApproveApprovalRequest* request,
                               v1::Approval* response) override;
  grpc::Status RefuseApproval(grpc::ServerContext* context,
                              const v1::RefuseApprovalRequest* request,
                              v1::Approval* response) override;

 private:
  grpc::Status Decide(const grpc::ServerContext& context, bool approve, const std::string& name,
                      const std::string& comment, v1::Approval& response);

  Administration& administration_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_APPROVALS_SERVICE_H_
