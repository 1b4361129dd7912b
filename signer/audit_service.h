// The Audit service of proto/keyward/v1/audit.proto.
#ifndef KEYWARD_SIGNER_AUDIT_SERVICE_H_
#define KEYWARD_SIGNER_AUDIT_SERVICE_H_

#include <string>

#include "keyward/v1/audit.grpc.pb.h"
#include "signer/administration.h"
#include "signer/audit/audit_reader.h"
#include "signer/audit_key.h"

namespace keyward::signer {

// Uses gRPC's synchronous API, as all administration does. Thread-safe.
class AuditService final : public v1::Audit::Service {
 public:
  // `file` is the log's, as in the configuration. What is referred to outlives this.
  AuditService(Administration& administration, AuditKey& key, std::string file)
      : administration_(administration), key_(key), reader_(std::move(file)) {}

  grpc::Status ListAuditRecords(grpc::ServerContext* context,
                                const v1::ListAuditRecordsRequest* request,
                                v1::ListAuditRecordsResponse* response) override;
  grpc::Status GetAuditHead(grpc::ServerContext* context, const v1::GetAuditHeadRequest* request,
                            v1::AuditHead* response) override;
  grpc::Status ListAuditCertificates(grpc::ServerContext* context,
                                     const v1::ListAuditCertificatesRequest* request,
                                     v1::ListAuditCertificatesResponse* response) override;
  grpc::Status RotateAuditKey(grpc::ServerContext* context,
                              const v1::RotateAuditKeyRequest* request,
                              v1::Certificate* response) override;

 private:
  Administration& administration_;
  AuditKey& key_;
  const AuditReader reader_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_SERVICE_H_
