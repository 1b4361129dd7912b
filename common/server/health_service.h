// The standard health service (grpc.health.v1).
#ifndef KEYWARD_COMMON_SERVER_HEALTH_SERVICE_H_
#define KEYWARD_COMMON_SERVER_HEALTH_SERVICE_H_

#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/server/health.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace keyward::server {

// gRPC's own health service would bring a second completion queue with threads of
// its own, and they would then read half of the signing calls and hand them over
// (docs/adr/0002). Thread-safe.
class HealthService final : public grpc::health::v1::Health::Service {
 public:
  // `services` as clients name them; the server as a whole, "", is always there.
  // Not serving until SetReady().
  explicit HealthService(std::set<std::string> services);

  // Of every service: they need the same token, registry and audit log. OK is serving,
  // and holds for ten seconds: a check that hangs is as bad as one that fails.
  void SetReady(const absl::Status& ready);

  // NOT_SERVING for good, and ends every Watch: the server drains.
  void Drain();

  // What Check() of "" answers, with what grpc.health.v1 has no field for.
  Health health() const;

  grpc::Status Check(grpc::ServerContext* context,
                     const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override;

  // Holds a thread, so RESOURCE_EXHAUSTED when too many watch already.
  grpc::Status Watch(grpc::ServerContext* context,
                     const grpc::health::v1::HealthCheckRequest* request,
                     grpc::ServerWriter<grpc::health::v1::HealthCheckResponse>* writer) override;

 private:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;

  Status Now(const std::string& service) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::set<std::string> services_;
  mutable Mutex mutex_;
  // Serving until then.
  absl::Time serving_until_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  // Why not, where it is not.
  std::string reason_ ABSL_GUARDED_BY(mutex_) = "STARTING";
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  int watchers_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_HEALTH_SERVICE_H_
