#include "tests/client/tokens/manual_scheduler.h"

#include <algorithm>

namespace keyward::testing {

absl::Time ManualScheduler::Now() const {
  MutexLock lock(&mutex_);
  return now_;
}

absl::Time ManualScheduler::WallNow() const {
  MutexLock lock(&mutex_);
  return now_ + wall_;
}

void ManualScheduler::SetWallClock(absl::Duration by) {
  MutexLock lock(&mutex_);
  wall_ += by;
}

void ManualScheduler::Run(Task task, Priority priority) {
  MutexLock lock(&mutex_);
  tasks_[static_cast<size_t>(priority)].push_back(std::move(task));
}

client::Scheduler::Timer ManualScheduler::RunAt(absl::Time time, Task task) {
  MutexLock lock(&mutex_);
  const Timer timer{time, ++last_id_};
  timers_.emplace(std::pair(timer.time, timer.id), std::move(task));
  return timer;
}

bool ManualScheduler::Cancel(const Timer& timer) {
  MutexLock lock(&mutex_);
  return timers_.erase({timer.time, timer.id}) == 1;
}

void ManualScheduler::Stop() {
  MutexLock lock(&mutex_);
  tasks_ = {};
  timers_.clear();
}

bool ManualScheduler::RunOneTask() {
  Task task;
  {
    MutexLock lock(&mutex_);
    std::deque<Task>& tasks = tasks_[0].empty() ? tasks_[1] : tasks_[0];
    if (tasks.empty()) return false;
    task = std::move(tasks.front());
    tasks.pop_front();
  }
  task();
  return true;
}

void ManualScheduler::RunTasks() {
  while (RunOneTask()) {
  }
}

void ManualScheduler::Advance(absl::Duration time) { Advance(time, true); }

void ManualScheduler::AdvanceTimers(absl::Duration time) { Advance(time, false); }

void ManualScheduler::Advance(absl::Duration time, bool run_tasks) {
  const absl::Time end = Now() + time;
  if (run_tasks) RunTasks();
  while (true) {
    Task task;
    {
      MutexLock lock(&mutex_);
      if (timers_.empty() || timers_.begin()->first.first > end) {
        now_ = end;
        return;
      }
      now_ = std::max(now_, timers_.begin()->first.first);
      task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
    }
    task();
    if (run_tasks) RunTasks();
  }
}

size_t ManualScheduler::timers() const {
  MutexLock lock(&mutex_);
  return timers_.size();
}

size_t ManualScheduler::tasks() const {
  MutexLock lock(&mutex_);
  return tasks_[0].size() + tasks_[1].size();
}

}  // namespace keyward::testing
