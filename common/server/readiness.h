// Finds out, again and again, whether the daemon can serve.
#ifndef KEYWARD_COMMON_SERVER_READINESS_H_
#define KEYWARD_COMMON_SERVER_READINESS_H_

#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward::server {

// Asks `check` once in every `interval`, on a thread of its own, and calls `tell`
// each time with what it answered. Logs each change with the reason.
// Thread-safe.
class Readiness {
 public:
  Readiness(std::function<absl::Status()> check,
            std::function<void(const absl::Status& ready)> tell, absl::Duration interval);
  // Ends the thread.
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

 private:
  void Run();

  const std::function<absl::Status()> check_;
  const std::function<void(const absl::Status& ready)> tell_;
  const absl::Duration interval_;
  Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_READINESS_H_
