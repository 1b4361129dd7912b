// The KeyVersions service of proto/keyward/v1/key_versions.proto.
#ifndef KEYWARD_SIGNER_KEY_VERSIONS_SERVICE_H_
#define KEYWARD_SIGNER_KEY_VERSIONS_SERVICE_H_

#include "keyward/v1/key_versions.grpc.pb.h"
#include "signer/administration.h"

namespace keyward::signer {

// Thread-safe.
class KeyVersionsService final : public v1::KeyVersions::Service {
 public:
  explicit KeyVersionsService(Administration& administration) : administration_(administration) {}

  grpc::Status ListKeyVersions(grpc::ServerContext* context,
                               const v1::ListKeyVersionsRequest* request,
                               v1::ListKeyVersionsResponse* response) override;

 private:
  Administration& administration_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_KEY_VERSIONS_SERVICE_H_
