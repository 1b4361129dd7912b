// The Policy service of proto/keyward/v1/policy.proto.
#ifndef KEYWARD_SIGNER_POLICY_SERVICE_H_
#define KEYWARD_SIGNER_POLICY_SERVICE_H_

#include "keyward/v1/policy.grpc.pb.h"
#include "signer/administration.h"

namespace keyward::signer {

// Synchronous like the other services of administration. Thread-safe.
class PolicyService final : public v1::Policy::Service {
 public:
  explicit PolicyService(Administration& administration) : administration_(administration) {}

  grpc::Status ExplainPolicy(grpc::ServerContext* context, const v1::ExplainPolicyRequest* request,
                             v1::ExplainPolicyResponse* response) override;

 private:
  Administration& administration_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_POLICY_SERVICE_H_
