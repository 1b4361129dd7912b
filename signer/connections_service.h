// The Connections service of proto/keyward/v1/connections.proto.
#ifndef KEYWARD_SIGNER_CONNECTIONS_SERVICE_H_
#define KEYWARD_SIGNER_CONNECTIONS_SERVICE_H_

#include <string>

#include "keyward/v1/connections.grpc.pb.h"
#include "signer/administration.h"

namespace keyward::signer {

// Administration is rare, so these handlers use gRPC's synchronous API. Thread-safe.
class ConnectionsService final : public v1::Connections::Service {
 public:
  explicit ConnectionsService(Administration& administration) : administration_(administration) {}

  grpc::Status CreateConnection(grpc::ServerContext* context,
                                const v1::CreateConnectionRequest* request,
                                v1::Connection* response) override;
  grpc::Status GetConnection(grpc::ServerContext* context, const v1::GetConnectionRequest* request,
                             v1::Connection* response) override;
  grpc::Status ListConnections(grpc::ServerContext* context,
                               const v1::ListConnectionsRequest* request,
                               v1::ListConnectionsResponse* response) override;
  grpc::Status UpdateConnection(grpc::ServerContext* context,
                                const v1::UpdateConnectionRequest* request,
                                v1::Connection* response) override;
  grpc::Status PreferAudience(grpc::ServerContext* context,
                              const v1::PreferAudienceRequest* request,
                              v1::Connection* response) override;
  grpc::Status DeleteConnection(grpc::ServerContext* context,
                                const v1::DeleteConnectionRequest* request,
                                v1::DeleteConnectionResponse* response) override;
  grpc::Status GetCertificate(grpc::ServerContext* context,
                              const v1::GetCertificateRequest* request,
                              v1::Certificate* response) override;
  grpc::Status FreezeConnection(grpc::ServerContext* context,
                                const v1::FreezeConnectionRequest* request,
                                v1::Connection* response) override;
  grpc::Status ThawConnection(grpc::ServerContext* context,
                              const v1::ThawConnectionRequest* request,
                              v1::Connection* response) override;
  grpc::Status SetEmergencyFreeze(grpc::ServerContext* context,
                                  const v1::SetEmergencyFreezeRequest* request,
                                  v1::EmergencyFreeze* response) override;

 private:
  absl::StatusOr<v1::ListConnectionsResponse> List(const PermittedCall& call,
                                                   const v1::ListConnectionsRequest& request);
  // As the API shows it, under the emergency freeze that the signing path goes by.
  v1::Connection Shown(const registry::Connection& connection) const;

  Administration& administration_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CONNECTIONS_SERVICE_H_
