// The Audit service of proto/keyward/v1/audit.proto.
#ifndef KEYWARD_SIGNER_AUDIT_SERVICE_H_
#define KEYWARD_SIGNER_AUDIT_SERVICE_H_

#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/mutex.h"
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
  // Runs `read` for who may read-audit at all. Who reads is recorded once a minute and not
  // with every call: `tail --follow` would have itself to show for ever.
  grpc::Status Read(grpc::ServerContext& context, absl::string_view method,
                    absl::FunctionRef<absl::Status(PermittedCall&)> read);
  bool WasRecordedLately(absl::string_view method, const std::string& identity);

  Administration& administration_;
  AuditKey& key_;
  const AuditReader reader_;
  Mutex mutex_;
  // When the last record of a method and identity was made.
  absl::flat_hash_map<std::string, absl::Time> recorded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_SERVICE_H_
