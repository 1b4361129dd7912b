#include "client/audit_client.h"

#include <keyward/v1/audit.grpc.pb.h>

#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "client/calls.h"
#include "client/channels.h"
#include "client/signer_client_impl.h"
#include "common/status_macros.h"

namespace keyward::client {

class AuditClient::Impl : public Calls<v1::Audit> {
 public:
  Impl(const SignerClientOptions& options, std::vector<Channels::Entry> channels)
      : Calls(Service::kSigner, std::move(channels), options.retry),
        timeout_(options.timeout),
        key_timeout_(options.key_timeout) {}

  absl::Time Deadline() const { return absl::Now() + timeout_; }
  absl::Time KeyDeadline() const { return absl::Now() + key_timeout_; }

 private:
  const absl::Duration timeout_;
  const absl::Duration key_timeout_;
};

absl::StatusOr<std::unique_ptr<AuditClient>> AuditClient::New(const SignerClientOptions& options) {
  ASSIGN_OR_RETURN(std::vector<Channels::Entry> channels, SignerChannels(options));
  return std::unique_ptr<AuditClient>(
      new AuditClient(std::make_unique<Impl>(options, std::move(channels))));
}

AuditClient::AuditClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AuditClient::~AuditClient() = default;

absl::StatusOr<v1::ListAuditRecordsResponse> AuditClient::ListRecords(
    const v1::ListAuditRecordsRequest& request) {
  return impl_->Repeatably(&v1::Audit::Stub::ListAuditRecords, request, impl_->Deadline());
}

absl::StatusOr<v1::AuditHead> AuditClient::GetHead() {
  return impl_->Repeatably(&v1::Audit::Stub::GetAuditHead, v1::GetAuditHeadRequest(),
                           impl_->Deadline());
}

absl::StatusOr<v1::ListAuditCertificatesResponse> AuditClient::ListCertificates() {
  return impl_->Repeatably(&v1::Audit::Stub::ListAuditCertificates,
                           v1::ListAuditCertificatesRequest(), impl_->Deadline());
}

absl::StatusOr<v1::Certificate> AuditClient::RotateKey() {
  return impl_->Once(&v1::Audit::Stub::RotateAuditKey, v1::RotateAuditKeyRequest(),
                     impl_->KeyDeadline());
}

}  // namespace keyward::client
