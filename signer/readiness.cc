#include "signer/readiness.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace keyward::signer {

Readiness::Readiness(grpc::HealthCheckServiceInterface& health, std::vector<std::string> services,
                     std::function<absl::Status()> check, absl::Duration interval)
    : health_(health),
      services_(std::move(services)),
      check_(std::move(check)),
      interval_(interval),
      thread_([this] { Run(); }) {}

Readiness::~Readiness() {
  Drain();
  thread_.join();
}

void Readiness::Drain() {
  absl::MutexLock lock(&mutex_);
  draining_ = true;
  Tell(false);
}

void Readiness::Tell(bool serving) {
  for (const std::string& service : services_) health_.SetServingStatus(service, serving);
}

void Readiness::Run() {
  bool serving = false;
  bool first = true;
  for (;;) {
    const absl::Status status = check_();
    absl::MutexLock lock(&mutex_);
    if (draining_) return;
    if (first || serving != status.ok()) {
      serving = status.ok();
      first = false;
      Tell(serving);
      serving ? spdlog::info("health: SERVING")
              : spdlog::error("health: NOT_SERVING: {}", std::string(status.message()));
    }
    mutex_.AwaitWithTimeout(absl::Condition(&draining_), interval_);
    if (draining_) return;
  }
}

}  // namespace keyward::signer
