#include "client/tokens/thread_scheduler.h"

#include "absl/time/clock.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr int kMostThreads = 1024;

}  // namespace

absl::StatusOr<std::unique_ptr<ThreadScheduler>> ThreadScheduler::New(int threads) {
  if (threads < 1 || threads > kMostThreads) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
                 "the number of threads for logins must be from 1 to 1024");
  }
  return std::unique_ptr<ThreadScheduler>(new ThreadScheduler(threads));
}

ThreadScheduler::ThreadScheduler(int threads) {
  MutexLock lock(&join_mutex_);
  threads_.reserve(threads + 1);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  threads_.emplace_back([this] { WatchTimers(); });
}

ThreadScheduler::~ThreadScheduler() { Stop(); }

absl::Time ThreadScheduler::Now() const { return absl::Now(); }

void ThreadScheduler::Run(Task task, Priority priority) {
  MutexLock lock(&mutex_);
  if (stopping_) return;
  tasks_[static_cast<size_t>(priority)].push_back(std::move(task));
}

Scheduler::Timer ThreadScheduler::RunAt(absl::Time time, Task task) {
  MutexLock lock(&mutex_);
  const Timer timer{time, ++last_id_};
  if (!stopping_) timers_.emplace(std::pair(timer.time, timer.id), std::move(task));
  return timer;
}

bool ThreadScheduler::Cancel(const Timer& timer) {
  // A task's destructor may be anybody's code, so it runs without the lock.
  Task cancelled;
  MutexLock lock(&mutex_);
  const auto found = timers_.find(std::pair(timer.time, timer.id));
  if (found == timers_.end()) return false;
  cancelled = std::move(found->second);
  timers_.erase(found);
  return true;
}

void ThreadScheduler::Stop() {
  std::array<std::deque<Task>, 2> tasks;
  std::map<std::pair<absl::Time, uint64_t>, Task> timers;
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    tasks.swap(tasks_);
    timers.swap(timers_);
  }
  MutexLock lock(&join_mutex_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ThreadScheduler::Work() {
  while (const std::optional<Task> task = NextTask()) (*task)();
}

std::optional<Scheduler::Task> ThreadScheduler::NextTask() {
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !tasks_[0].empty() || !tasks_[1].empty();
  };
  MutexLock lock(&mutex_, ready);
  if (stopping_) return std::nullopt;
  std::deque<Task>& tasks = tasks_[0].empty() ? tasks_[1] : tasks_[0];
  std::optional<Task> task = std::move(tasks.front());
  tasks.pop_front();
  return task;
}

void ThreadScheduler::WatchTimers() {
  while (const std::optional<Task> task = NextTimer()) (*task)();
}

std::optional<Scheduler::Task> ThreadScheduler::NextTimer() {
  MutexLock lock(&mutex_);
  while (!stopping_) {
    if (timers_.empty()) {
      mutex_.Await(
          [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !timers_.empty(); });
      continue;
    }
    const auto next = timers_.begin()->first;
    if (next.first <= absl::Now()) {
      std::optional<Task> task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      return task;
    }
    // Until it is due, or is not the next one any more.
    mutex_.AwaitWithDeadline(
        [this, &next]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          return stopping_ || timers_.empty() || timers_.begin()->first != next;
        },
        next.first);
  }
  return std::nullopt;
}

}  // namespace keyward::client
