// Calls to a signer's audit log.
#ifndef KEYWARD_CLIENT_AUDIT_CLIENT_H_
#define KEYWARD_CLIENT_AUDIT_CLIENT_H_

#include <keyward/v1/audit.pb.h>

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/signer_client.h"

namespace keyward::client {

// Each call blocks, at most until the timeout of the options; errors are those of a
// SignerClient. Each signer has a log of its own, so that there should be one signer in
// the options. Thread-safe.
class AuditClient {
 public:
  // As SignerClient::New().
  static absl::StatusOr<std::unique_ptr<AuditClient>> New(const SignerClientOptions& options);
  ~AuditClient();
  AuditClient(const AuditClient&) = delete;
  AuditClient& operator=(const AuditClient&) = delete;

  absl::StatusOr<v1::ListAuditRecordsResponse> ListRecords(
      const v1::ListAuditRecordsRequest& request);
  absl::StatusOr<v1::AuditHead> GetHead();
  // Oldest first.
  absl::StatusOr<v1::ListAuditCertificatesResponse> ListCertificates();
  // Sent once, like all that changes something.
  absl::StatusOr<v1::Certificate> RotateKey();

 private:
  class Impl;
  explicit AuditClient(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_AUDIT_CLIENT_H_
