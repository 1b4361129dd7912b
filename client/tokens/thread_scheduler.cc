#include "client/tokens/thread_scheduler.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "client/tokens/steady_now.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr int kMostThreads = 1024;
constexpr absl::Duration kLongestSleep = absl::Hours(1);

// A Mutex as the standard library has them.
class Lockable {
 public:
  explicit Lockable(Mutex& mutex) : mutex_(mutex) {}
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Lock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.Unlock(); }

 private:
  Mutex& mutex_;
};

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

absl::Time ThreadScheduler::Now() const { return SteadyNow(); }

absl::Time ThreadScheduler::WallNow() const { return absl::Now(); }

void ThreadScheduler::Run(Task task, Priority priority) {
  MutexLock lock(&mutex_);
  if (stopping_) return;
  tasks_[static_cast<size_t>(priority)].push_back(std::move(task));
}

Scheduler::Timer ThreadScheduler::RunAt(absl::Time time, Task task) {
  MutexLock lock(&mutex_);
  const Timer timer{time, ++last_id_};
  if (stopping_) return timer;
  const auto added = timers_.emplace(std::pair(timer.time, timer.id), std::move(task)).first;
  if (added == timers_.begin()) timers_changed_.notify_one();
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
    timers_changed_.notify_one();
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
    const absl::Duration left =
        timers_.empty() ? kLongestSleep : timers_.begin()->first.first - Now();
    if (left <= absl::ZeroDuration()) {
      std::optional<Task> task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      return task;
    }
    AwaitTimers(std::min(left, kLongestSleep));
  }
  return std::nullopt;
}

void ThreadScheduler::AwaitTimers(absl::Duration timeout) {
  Lockable lock(mutex_);
  timers_changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout));
}

}  // namespace keyward::client
