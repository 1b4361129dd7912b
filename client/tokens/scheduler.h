// Where logins run, and timers for what is due later.
#ifndef KEYWARD_CLIENT_TOKENS_SCHEDULER_H_
#define KEYWARD_CLIENT_TOKENS_SCHEDULER_H_

#include <cstdint>
#include <functional>

#include "absl/time/time.h"

namespace keyward::client {

// Runs tasks. An interface, so that a test can have time pass as it likes.
// Thread-safe.
class Scheduler {
 public:
  using Task = std::function<void()>;

  // Foreground: somebody waits for it. It overtakes what is in the background.
  enum class Priority { kForeground, kBackground };

  // A timer that was set.
  struct Timer {
    absl::Time time;
    uint64_t id = 0;
  };

  virtual ~Scheduler() = default;

  // The clock that timers go by. Nobody sets it.
  virtual absl::Time Now() const = 0;

  // The clock of callers and other machines, which may be set back and forth.
  virtual absl::Time WallNow() const = 0;

  // Runs `task` on a thread of the pool, after those of its priority that came
  // before. It may block: then it holds that thread.
  virtual void Run(Task task, Priority priority) = 0;

  // Runs `task` once, at `time` or as soon after it as can be. It must not block:
  // every other timer waits meanwhile.
  virtual Timer RunAt(absl::Time time, Task task) = 0;

  // Takes a timer back. False where its task has run, runs or was taken back.
  virtual bool Cancel(const Timer& timer) = 0;

  // Waits for the tasks that run, drops those that do not, and takes no more: a
  // task given afterwards is dropped too. Not to be called by a task.
  virtual void Stop() = 0;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_SCHEDULER_H_
