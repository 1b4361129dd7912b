#include "common/server/readiness.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <string>
#include <utility>

namespace keyward::server {

Readiness::Readiness(std::function<absl::Status()> check,
                     std::function<void(const absl::Status& ready)> tell, absl::Duration interval)
    : check_(std::move(check)),
      tell_(std::move(tell)),
      interval_(interval),
      thread_([this] { Run(); }) {}

Readiness::~Readiness() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Readiness::Run() {
  std::optional<bool> told;
  for (;;) {
    const absl::Status status = check_();
    tell_(status);
    if (told != status.ok()) {
      told = status.ok();
      *told ? spdlog::info("health: SERVING")
            : spdlog::error("health: NOT_SERVING: {}", std::string(status.message()));
    }
    MutexLock lock(&mutex_);
    const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
    if (mutex_.AwaitWithTimeout(stopping, interval_)) return;
  }
}

}  // namespace keyward::server
