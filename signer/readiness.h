// Keeps the standard health service (grpc.health.v1) true.
#ifndef KEYWARD_SIGNER_READINESS_H_
#define KEYWARD_SIGNER_READINESS_H_

#include <grpcpp/health_check_service_interface.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace keyward::signer {

// Asks `check` once in every `interval`, on a thread of its own, and tells the
// health service: SERVING while it answers OK, NOT_SERVING else. Logs each turn.
// Thread-safe.
class Readiness {
 public:
  // `services` are named as health clients name them; "" is the server as a whole.
  Readiness(grpc::HealthCheckServiceInterface& health, std::vector<std::string> services,
            std::function<absl::Status()> check, absl::Duration interval);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // NOT_SERVING for good: the server drains.
  void Drain();

 private:
  void Run();
  void Tell(bool serving);

  grpc::HealthCheckServiceInterface& health_;
  const std::vector<std::string> services_;
  const std::function<absl::Status()> check_;
  const absl::Duration interval_;
  absl::Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_READINESS_H_
