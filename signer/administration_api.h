// All services of the API but Sign.
#ifndef KEYWARD_SIGNER_ADMINISTRATION_API_H_
#define KEYWARD_SIGNER_ADMINISTRATION_API_H_

#include <grpcpp/server_builder.h>

#include <set>
#include <string>
#include <utility>

#include "signer/administration.h"
#include "signer/approvals_service.h"
#include "signer/audit_key.h"
#include "signer/audit_service.h"
#include "signer/connections_service.h"
#include "signer/key_versions_service.h"
#include "signer/policy_service.h"

namespace keyward::signer {

// Outlives the server that it is registered with.
class AdministrationApi {
 public:
  // What `parts` refers to and `audit_key` outlive this; `audit_file` is the log's.
  AdministrationApi(AdministrationParts parts, AuditKey& audit_key, std::string audit_file)
      : administration_(std::move(parts)),
        approvals_(administration_),
        audit_(administration_, audit_key, std::move(audit_file)),
        connections_(administration_),
        key_versions_(administration_),
        policy_(administration_) {}

  // As health and clients name them.
  static std::set<std::string> ServiceNames() {
    return {v1::Approvals::service_full_name(), v1::Audit::service_full_name(),
            v1::Connections::service_full_name(), v1::KeyVersions::service_full_name(),
            v1::Policy::service_full_name()};
  }

  void RegisterWith(grpc::ServerBuilder& builder) {
    builder.RegisterService(&approvals_)
        .RegisterService(&audit_)
        .RegisterService(&connections_)
        .RegisterService(&key_versions_)
        .RegisterService(&policy_);
  }

 private:
  Administration administration_;
  ApprovalsService approvals_;
  AuditService audit_;
  ConnectionsService connections_;
  KeyVersionsService key_versions_;
  PolicyService policy_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_ADMINISTRATION_API_H_
