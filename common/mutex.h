// Mutual exclusion and waits for a condition, in a form that ThreadSanitizer sees.
#ifndef KEYWARD_COMMON_MUTEX_H_
#define KEYWARD_COMMON_MUTEX_H_

#include "absl/base/config.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#ifdef ABSL_HAVE_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace keyward {

// absl::Mutex, and nothing more but for ThreadSanitizer: distributions build
// Abseil without it, so that it would see neither the lock nor the order that the
// lock makes, and report races where there are none.
//
// A wait takes a callable `bool() const`. As in absl::Mutex, a thread that unlocks
// evaluates the predicates of those that wait and wakes only one whose predicate
// holds. So a predicate runs on any thread, with the mutex held; it must depend
// only on what the mutex guards, and must not throw, block or have side effects.
class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    mutex_.Lock();
    TellAcquired();
  }

  void Unlock() ABSL_UNLOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    TellReleased();
    mutex_.Unlock();
  }

  // Locks once the mutex is free and the predicate holds.
  template <typename Predicate>
  void LockWhen(const Predicate& predicate)
      ABSL_EXCLUSIVE_LOCK_FUNCTION() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const Told<Predicate> told{this, &predicate};
    TellReleased();
    mutex_.LockWhen(absl::Condition(&told));
    TellAcquired();
  }

  // Unlocks, waits until the predicate holds, and locks.
  template <typename Predicate>
  void Await(const Predicate& predicate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    const Told<Predicate> told{this, &predicate};
    TellReleased();
    mutex_.Await(absl::Condition(&told));
    TellAcquired();
  }

  // The same until `deadline` at most. Returns whether the predicate holds. A
  // deadline that has passed does not wait.
  template <typename Predicate>
  bool AwaitWithDeadline(const Predicate& predicate, absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    const Told<Predicate> told{this, &predicate};
    TellReleased();
    const bool holds = mutex_.AwaitWithDeadline(absl::Condition(&told), deadline);
    TellAcquired();
    return holds;
  }

  // The same for `timeout` at most; one below zero does not wait.
  template <typename Predicate>
  bool AwaitWithTimeout(const Predicate& predicate, absl::Duration timeout)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(this) {
    const Told<Predicate> told{this, &predicate};
    TellReleased();
    const bool holds = mutex_.AwaitWithTimeout(absl::Condition(&told), timeout);
    TellAcquired();
    return holds;
  }

 private:
  // A predicate, for whatever thread evaluates it: what it reads was written by
  // the waiting thread before it waited, and may be written by the next that locks.
  template <typename Predicate>
  struct Told {
    bool operator()() const ABSL_NO_THREAD_SAFETY_ANALYSIS {
      mutex->TellAcquired();
      const bool holds = (*predicate)();
      mutex->TellReleased();
      return holds;
    }

    Mutex* mutex;
    const Predicate* predicate;
  };

#ifdef ABSL_HAVE_THREAD_SANITIZER
  void TellAcquired() { __tsan_acquire(this); }
  void TellReleased() { __tsan_release(this); }
#else
  void TellAcquired() {}
  void TellReleased() {}
#endif

  absl::Mutex mutex_;
};

// Holds a mutex while it lives.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_->Lock();
  }

  // Once the predicate holds, Mutex::LockWhen().
  template <typename Predicate>
  MutexLock(Mutex* mutex, const Predicate& predicate) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_->LockWhen(predicate);
  }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }

 private:
  Mutex* const mutex_;
};

}  // namespace keyward

#endif  // KEYWARD_COMMON_MUTEX_H_
