// The KeyVersions service of proto/keyward/v1/key_versions.proto.
#ifndef KEYWARD_SIGNER_KEY_VERSIONS_SERVICE_H_
#define KEYWARD_SIGNER_KEY_VERSIONS_SERVICE_H_

#include "keyward/v1/key_versions.grpc.pb.h"
#include "signer/administration.h"

namespace keyward::signer {

// Uses gRPC's synchronous API, as all administration does. Thread-safe.
class KeyVersionsService final : public v1::KeyVersions::Service {
 public:
  explicit KeyVersionsService(Administration& administration) : administration_(administration) {}

  grpc::Status ListKeyVersions(grpc::ServerContext* context,
                               const v1::ListKeyVersionsRequest* request,
                               v1::ListKeyVersionsResponse* response) override;
  grpc::Status GetJwks(grpc::ServerContext* context, const v1::GetJwksRequest* request,
                       v1::GetJwksResponse* response) override;
  grpc::Status InspectKeyVersion(grpc::ServerContext* context,
                                 const v1::InspectKeyVersionRequest* request,
                                 v1::KeyVersionDetails* response) override;
  grpc::Status CreateCertificateRequest(grpc::ServerContext* context,
                                        const v1::CreateCertificateRequestRequest* request,
                                        v1::CreateCertificateRequestResponse* response) override;
  grpc::Status ImportCertificate(grpc::ServerContext* context,
                                 const v1::ImportCertificateRequest* request,
                                 v1::Certificate* response) override;
  grpc::Status RenewCertificate(grpc::ServerContext* context,
                                const v1::RenewCertificateRequest* request,
                                v1::Certificate* response) override;
  grpc::Status AdoptKey(grpc::ServerContext* context, const v1::AdoptKeyRequest* request,
                        v1::KeyVersion* response) override;

 private:
  // Everything here that signs, a certificate or a request for one, asks this before the
  // token signs, and again when it has: what was frozen meanwhile is thrown away.
  absl::Status CheckMaySign(absl::string_view connection) const;

  Administration& administration_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_KEY_VERSIONS_SERVICE_H_
