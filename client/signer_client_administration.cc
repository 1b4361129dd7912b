// What people with the command do with a SignerClient, and services do not: freezing and
// approvals.
#include <keyward/v1/approvals.grpc.pb.h>

#include "client/signer_client.h"
#include "client/signer_client_impl.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

template <typename Request>
Request About(absl::string_view name, absl::string_view comment) {
  Request request;
  request.set_name(name.data(), name.size());
  request.set_comment(comment.data(), comment.size());
  return request;
}

}  // namespace

absl::StatusOr<v1::Connection> SignerClient::FreezeConnection(absl::string_view name,
                                                              absl::string_view comment,
                                                              absl::Time deadline) {
  return impl_->Repeatably(&v1::Connections::Stub::FreezeConnection,
                           About<v1::FreezeConnectionRequest>(name, comment),
                           impl_->DeadlineOf(deadline));
}

absl::StatusOr<v1::Connection> SignerClient::ThawConnection(absl::string_view name,
                                                            absl::string_view comment,
                                                            absl::Time deadline) {
  return impl_->Repeatably(&v1::Connections::Stub::ThawConnection,
                           About<v1::ThawConnectionRequest>(name, comment),
                           impl_->DeadlineOf(deadline));
}

absl::Status SignerClient::SetEmergencyFreeze(bool frozen, absl::string_view comment,
                                              absl::Time deadline) {
  v1::SetEmergencyFreezeRequest request;
  request.set_frozen(frozen);
  request.set_comment(comment.data(), comment.size());
  return impl_
      ->Repeatably(&v1::Connections::Stub::SetEmergencyFreeze, request, impl_->DeadlineOf(deadline))
      .status();
}

absl::StatusOr<std::vector<v1::Approval>> SignerClient::ListApprovals(bool all,
                                                                      absl::string_view connection,
                                                                      absl::Time deadline) {
  v1::ListApprovalsRequest request;
  request.set_all(all);
  request.set_connection(connection.data(), connection.size());
  ASSIGN_OR_RETURN(
      const v1::ListApprovalsResponse response,
      impl_->Repeatably(&v1::Approvals::Stub::ListApprovals, request, impl_->DeadlineOf(deadline)));
  return std::vector<v1::Approval>(response.approvals().begin(), response.approvals().end());
}

absl::StatusOr<v1::Approval> SignerClient::GetApproval(absl::string_view name,
                                                       absl::Time deadline) {
  v1::GetApprovalRequest request;
  request.set_name(name.data(), name.size());
  return impl_->Repeatably(&v1::Approvals::Stub::GetApproval, request, impl_->DeadlineOf(deadline));
}

absl::StatusOr<v1::Approval> SignerClient::Approve(absl::string_view name,
                                                   absl::string_view comment, absl::Time deadline) {
  return impl_->Once(&v1::Approvals::Stub::ApproveApproval,
                     About<v1::ApproveApprovalRequest>(name, comment), impl_->DeadlineOf(deadline));
}

absl::StatusOr<v1::Approval> SignerClient::Refuse(absl::string_view name, absl::string_view comment,
                                                  absl::Time deadline) {
  return impl_->Once(&v1::Approvals::Stub::RefuseApproval,
                     About<v1::RefuseApprovalRequest>(name, comment), impl_->DeadlineOf(deadline));
}

absl::StatusOr<v1::ExplainPolicyResponse> SignerClient::ExplainPolicy(
    const v1::ExplainPolicyRequest& request, absl::Time deadline) {
  return impl_->Repeatably(&v1::Policy::Stub::ExplainPolicy, request, impl_->DeadlineOf(deadline));
}

}  // namespace keyward::client
