// A scheduler whose time passes when the test says so, on the test's thread.
#ifndef KEYWARD_TESTS_CLIENT_TOKENS_MANUAL_SCHEDULER_H_
#define KEYWARD_TESTS_CLIENT_TOKENS_MANUAL_SCHEDULER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "client/tokens/scheduler.h"
#include "common/mutex.h"

namespace keyward::testing {

class ManualScheduler : public client::Scheduler {
 public:
  absl::Time Now() const override;
  // The same unless the wall clock was set.
  absl::Time WallNow() const override;
  void Run(Task task, Priority priority) override;
  Timer RunAt(absl::Time time, Task task) override;
  bool Cancel(const Timer& timer) override;
  void Stop() override;

  // Sets the wall clock forth, or back.
  void SetWallClock(absl::Duration by);

  // Runs the tasks that were given, and those that they give, until there is none.
  void RunTasks();
  // Runs one task; false where there is none.
  bool RunOneTask();
  // Lets `time` pass: each timer runs at its time, and then the tasks.
  void Advance(absl::Duration time);
  // The same for the timers alone, as if every thread of the pool were busy.
  void AdvanceTimers(absl::Duration time);

  size_t timers() const;
  size_t tasks() const;

 private:
  void Advance(absl::Duration time, bool run_tasks);

  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1'900'000'000);
  absl::Duration wall_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::array<std::deque<Task>, 2> tasks_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<absl::Time, uint64_t>, Task> timers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_TOKENS_MANUAL_SCHEDULER_H_
