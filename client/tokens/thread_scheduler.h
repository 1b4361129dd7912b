// The scheduler of a running process: real threads, real time.
#ifndef KEYWARD_CLIENT_TOKENS_THREAD_SCHEDULER_H_
#define KEYWARD_CLIENT_TOKENS_THREAD_SCHEDULER_H_

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/tokens/scheduler.h"
#include "common/mutex.h"

namespace keyward::client {

// A pool of threads for tasks that block, and one more for timers, so that a timer
// is on time while every thread of the pool waits for a login host.
class ThreadScheduler : public Scheduler {
 public:
  // `threads`: of the pool, 1 to 1024. INVALID_ARGUMENT OPTIONS_INVALID.
  static absl::StatusOr<std::unique_ptr<ThreadScheduler>> New(int threads);
  // Stop().
  ~ThreadScheduler() override;

  // SteadyNow().
  absl::Time Now() const override;
  absl::Time WallNow() const override;
  void Run(Task task, Priority priority) override;
  Timer RunAt(absl::Time time, Task task) override;
  bool Cancel(const Timer& timer) override;
  void Stop() override;

 private:
  explicit ThreadScheduler(int threads);

  void Work();
  void WatchTimers();
  // Each waits for a task; nothing once it is stopping.
  std::optional<Task> NextTask();
  std::optional<Task> NextTimer();
  // Until the next timer may be another one, for `timeout` at most, or for no reason.
  void AwaitTimers(absl::Duration timeout) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  // By priority.
  std::array<std::deque<Task>, 2> tasks_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<absl::Time, uint64_t>, Task> timers_ ABSL_GUARDED_BY(mutex_);
  // Waits by the steady clock, which those of Mutex do not.
  std::condition_variable_any timers_changed_;
  Mutex join_mutex_;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(join_mutex_);
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_THREAD_SCHEDULER_H_
