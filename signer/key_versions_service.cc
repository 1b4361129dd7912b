#include "signer/key_versions_service.h"

#include <vector>

#include "common/status_macros.h"
#include "signer/conversions.h"

namespace keyward::signer {

grpc::Status KeyVersionsService::ListKeyVersions(grpc::ServerContext* context,
                                                 const v1::ListKeyVersionsRequest* request,
                                                 v1::ListKeyVersionsResponse* response) {
  return administration_.Run(
      {*context, "ListKeyVersions", request->connection(), Operation::kView},
      [&]() -> absl::Status {
        ASSIGN_OR_RETURN(const std::vector<registry::KeyVersion> versions,
                         administration_.parts().registry.ListKeyVersions(request->connection()));
        for (const registry::KeyVersion& version : versions) {
          *response->add_key_versions() = ToProto(version);
        }
        return absl::OkStatus();
      });
}

}  // namespace keyward::signer
