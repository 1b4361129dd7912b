#include "signer/policy_service.h"

#include <string>

#include "common/status_macros.h"
#include "signer/policy_explanation.h"

namespace keyward::signer {

grpc::Status PolicyService::ExplainPolicy(grpc::ServerContext* context,
                                          const v1::ExplainPolicyRequest* request,
                                          v1::ExplainPolicyResponse* response) {
  return administration_.RunForAnyConnection(
      *context, "ExplainPolicy", [&](PermittedCall& call) -> absl::Status {
        const std::string& caller = call.record.identity;
        const std::string& identity = request->identity().empty() ? caller : request->identity();
        ASSIGN_OR_RETURN(const Access access, AccessOf(identity, request->connection(),
                                                       request->operation(), request->subject()));
        call.record.connection = request->connection();
        if (identity != caller) {
          const Decision decision =
              call.policy.Decide({caller, request->connection(), Operation::kReadAudit});
          call.record.role = std::string(decision.role);
          RETURN_IF_ERROR(decision.status);
        }
        const PolicyExplanation explanation = Explain(call.policy, access);
        response->set_allowed(explanation.allowed);
        response->set_role(explanation.role);
        response->set_line(explanation.line);
        response->set_explanation(explanation.Text());
        response->set_policy_sha256(call.policy.sha256());
        response->set_caller(caller);
        return absl::OkStatus();
      });
}

}  // namespace keyward::signer
