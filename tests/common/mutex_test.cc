#include "common/mutex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace keyward {
namespace {

using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;

// Only ThreadSanitizer tells whether the accesses are ordered, so these tests use
// plain data that several threads read and write.
class MutexTest : public ::testing::Test {
 protected:
  Mutex mutex_;
  int value_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string text_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(MutexTest, LetsOneThreadInAtATime) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 5000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < kRounds; ++round) {
        const MutexLock lock(&mutex_);
        ++value_;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const MutexLock lock(&mutex_);
  EXPECT_EQ(value_, kThreads * kRounds);
}

TEST_F(MutexTest, AwaitReturnsOnceThePredicateHoldsWithTheMutexHeld) {
  std::thread other([this] {
    for (int i = 0; i < 100; ++i) {
      const MutexLock lock(&mutex_);
      text_ += 'x';
      ++value_;
    }
  });
  {
    const MutexLock lock(&mutex_);
    mutex_.Await([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return value_ >= 50; });
    EXPECT_GE(value_, 50);
    EXPECT_EQ(text_.size(), static_cast<size_t>(value_));
    text_ = std::string(static_cast<size_t>(value_), 'y');
  }
  other.join();
  const MutexLock lock(&mutex_);
  EXPECT_EQ(text_.size(), 100U);
}

TEST_F(MutexTest, LocksOnceThePredicateHolds) {
  std::thread other([this] {
    for (int i = 0; i < 100; ++i) {
      const MutexLock lock(&mutex_);
      ++value_;
    }
  });
  {
    const MutexLock lock(&mutex_,
                         [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return value_ == 100; });
    EXPECT_EQ(value_, 100);
    value_ = 0;
  }
  other.join();
}

TEST_F(MutexTest, APredicateReadsWhatTheWaitingThreadWroteBefore) {
  std::thread waiting([this] {
    const std::vector<int> wanted = {1, 2, 3};
    const auto is_wanted = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return std::find(wanted.begin(), wanted.end(), value_) != wanted.end();
    };
    const MutexLock lock(&mutex_, is_wanted);
    value_ = -1;
  });
  const auto is_done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return value_ == -1; };
  for (int value : {8, 9, 2}) {
    const MutexLock lock(&mutex_);
    value_ = value;
  }
  {
    const MutexLock lock(&mutex_);
    mutex_.Await(is_done);
  }
  waiting.join();
}

// A waiting thread that woke to look for itself would cost two switches for each
// record that joins a group of the audit log.
TEST_F(MutexTest, UnlockingEvaluatesThePredicateAndWakesNobodyInVain) {
  std::vector<std::thread::id> evaluated_by;  // Guarded by mutex_.
  std::thread waiting([&] {
    const MutexLock lock(&mutex_);
    const auto is_told = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      if (value_ == 0) evaluated_by.push_back(std::this_thread::get_id());
      return value_ != 0;
    };
    mutex_.AwaitWithTimeout(is_told, absl::InfiniteDuration());
  });
  const std::thread::id waiter = waiting.get_id();
  {
    // It releases the mutex only when it waits.
    const MutexLock lock(&mutex_, [&] { return !evaluated_by.empty(); });
    evaluated_by.clear();
  }
  for (int i = 0; i < 100; ++i) {
    const MutexLock lock(&mutex_);
    text_ += 'x';
  }
  {
    const MutexLock lock(&mutex_);
    EXPECT_THAT(evaluated_by, Not(IsEmpty()));
    EXPECT_THAT(evaluated_by, Each(Not(waiter)));
    value_ = 1;
  }
  waiting.join();
}

TEST_F(MutexTest, ATimedWaitSaysWhetherThePredicateHolds) {
  const auto is_set = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return value_ != 0; };
  const MutexLock lock(&mutex_);
  EXPECT_FALSE(mutex_.AwaitWithTimeout(is_set, absl::Milliseconds(1)));
  EXPECT_FALSE(mutex_.AwaitWithTimeout(is_set, -absl::Seconds(1)));
  EXPECT_FALSE(mutex_.AwaitWithDeadline(is_set, absl::Now() + absl::Milliseconds(1)));
  EXPECT_FALSE(mutex_.AwaitWithDeadline(is_set, absl::InfinitePast()));
  value_ = 1;
  EXPECT_TRUE(mutex_.AwaitWithTimeout(is_set, absl::ZeroDuration()));
  EXPECT_TRUE(mutex_.AwaitWithDeadline(is_set, absl::InfinitePast()));
}

TEST_F(MutexTest, ATimedWaitEndsWhenAnotherThreadMakesThePredicateHold) {
  std::thread other([this] {
    for (int i = 0; i < 2; ++i) {
      const auto is_even = [this]()
                               ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return value_ % 2 == 0; };
      const MutexLock lock(&mutex_, is_even);
      ++value_;
    }
  });
  const auto is_odd = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return value_ % 2 == 1; };
  {
    const MutexLock lock(&mutex_);
    EXPECT_TRUE(mutex_.AwaitWithTimeout(is_odd, absl::InfiniteDuration()));
    ++value_;
    EXPECT_TRUE(mutex_.AwaitWithDeadline(is_odd, absl::InfiniteFuture()));
  }
  other.join();
}

TEST_F(MutexTest, TakesAnyCallable) {
  const MutexLock lock(&mutex_);
  bool (*function)() = [] { return true; };
  EXPECT_TRUE(mutex_.AwaitWithTimeout(function, absl::ZeroDuration()));
  EXPECT_TRUE(
      mutex_.AwaitWithTimeout(std::function<bool()>([] { return true; }), absl::ZeroDuration()));
}

}  // namespace
}  // namespace keyward
