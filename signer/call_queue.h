// The one queue in which calls wait for the token.
#ifndef KEYWARD_SIGNER_CALL_QUEUE_H_
#define KEYWARD_SIGNER_CALL_QUEUE_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward::signer {

// Lets at most `workers` calls be worked on at once and at most `capacity` wait,
// first come first served. It owns no thread: the one that brings a call works on
// it if it may, and then on those that wait. Thread-safe.
template <typename Call>
class CallQueue {
 public:
  enum class Admission {
    // Work on the call now; then ask Next() until it gives nothing.
    kWork,
    // The call has been taken and waits.
    kWaiting,
    // No room: the call is still the caller's.
    kFull,
  };

  CallQueue(size_t workers, size_t capacity) : workers_(workers), capacity_(capacity) {}

  Admission Admit(Call& call) {
    MutexLock lock(&mutex_);
    if (working_ < workers_) {
      ++working_;
      return Admission::kWork;
    }
    if (waiting_.size() >= capacity_) return Admission::kFull;
    waiting_.push_back(std::move(call));
    return Admission::kWaiting;
  }

  // The call that has waited longest, or nothing: then this worker is done.
  std::optional<Call> Next() {
    MutexLock lock(&mutex_);
    if (waiting_.empty()) {
      --working_;
      return std::nullopt;
    }
    std::optional<Call> call = std::move(waiting_.front());
    waiting_.pop_front();
    return call;
  }

  // Waits until every worker is busy, or until Stop(): then false.
  bool AwaitAllBusy() {
    const auto all_busy_or_stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || working_ == workers_;
    };
    MutexLock lock(&mutex_, all_busy_or_stopping);
    return !stopping_;
  }

  // Waits for `time`, and returns whether every worker is busy then. False at once
  // after Stop().
  bool AreAllBusyAfter(absl::Duration time) {
    MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; },
                            time);
    return !stopping_ && working_ == workers_;
  }

  // How many wait.
  size_t length() const {
    MutexLock lock(&mutex_);
    return waiting_.size();
  }

  // Whether no worker is busy.
  bool IsIdle() const {
    MutexLock lock(&mutex_);
    return working_ == 0;
  }

  void Stop() {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }

 private:
  const size_t workers_;
  const size_t capacity_;
  mutable Mutex mutex_;
  size_t working_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Call> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CALL_QUEUE_H_
