#include "client/tokens/thread_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "common/mutex.h"
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;
using ::testing::ElementsAre;

constexpr auto kForeground = Scheduler::Priority::kForeground;
constexpr auto kBackground = Scheduler::Priority::kBackground;

// What happened, in order.
class Record {
 public:
  void Add(int what) {
    MutexLock lock(&mutex_);
    happened_.push_back(what);
  }
  std::vector<int> Await(size_t count) {
    MutexLock lock(&mutex_, [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return happened_.size() >= count;
    });
    return happened_;
  }

 private:
  Mutex mutex_;
  std::vector<int> happened_ ABSL_GUARDED_BY(mutex_);
};

// Holds a task until it is opened.
class Gate {
 public:
  void Pass() {
    MutexLock lock(&mutex_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return open_; });
  }
  void Open() {
    MutexLock lock(&mutex_);
    open_ = true;
  }

 private:
  Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

TEST(ThreadSchedulerTest, TheNumberOfThreadsIsChecked) {
  EXPECT_THAT(ThreadScheduler::New(0),
              FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"));
  EXPECT_THAT(ThreadScheduler::New(1025),
              FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"));
}

TEST(ThreadSchedulerTest, AsManyTasksRunAtOnceAsThereAreThreads) {
  const auto scheduler = ThreadScheduler::New(3).value();
  Record record;
  Mutex mutex;
  int met = 0;
  for (int i = 0; i < 3; ++i) {
    scheduler->Run(
        [&] {
          MutexLock lock(&mutex);
          ++met;
          mutex.Await([&] { return met == 3; });
          record.Add(1);
        },
        kForeground);
  }
  record.Await(3);
}

TEST(ThreadSchedulerTest, TheForegroundOvertakesTheBackground) {
  Gate gate;
  Record record;
  const auto scheduler = ThreadScheduler::New(1).value();
  scheduler->Run([&] { gate.Pass(); }, kForeground);
  for (int i : {3, 4}) scheduler->Run([&record, i] { record.Add(i); }, kBackground);
  for (int i : {1, 2}) scheduler->Run([&record, i] { record.Add(i); }, kForeground);
  gate.Open();
  EXPECT_THAT(record.Await(4), ElementsAre(1, 2, 3, 4));
}

TEST(ThreadSchedulerTest, TimersRunInTheirOrderNotBeforeTheirTimeAndWhileThePoolIsBusy) {
  Gate gate;
  Record record;
  const auto scheduler = ThreadScheduler::New(1).value();
  scheduler->Run([&] { gate.Pass(); }, kForeground);
  const absl::Time now = scheduler->Now();
  const auto at = [&](absl::Duration delay, int what) {
    const absl::Time time = now + delay;
    return scheduler->RunAt(
        time, [&record, time, what] { record.Add(absl::Now() >= time ? what : -what); });
  };
  at(absl::Milliseconds(40), 3);
  const Scheduler::Timer cancelled = at(absl::Milliseconds(30), 9);
  at(absl::Milliseconds(20), 2);
  at(absl::Milliseconds(-20), 1);
  EXPECT_TRUE(scheduler->Cancel(cancelled));
  EXPECT_FALSE(scheduler->Cancel(cancelled));
  EXPECT_THAT(record.Await(3), ElementsAre(1, 2, 3));
  gate.Open();
}

TEST(ThreadSchedulerTest, StopWaitsForWhatRunsAndDropsTheRest) {
  const auto scheduler = ThreadScheduler::New(1).value();
  Record record;
  Gate gate;
  scheduler->Run(
      [&] {
        record.Add(1);
        gate.Pass();
        record.Add(2);
      },
      kForeground);
  record.Await(1);
  scheduler->Run([&] { record.Add(8); }, kForeground);
  scheduler->RunAt(scheduler->Now() + absl::Hours(1), [&record] { record.Add(9); });
  std::thread opener([&] {
    // A timer that is taken no more: Stop() has begun.
    const absl::Time later = scheduler->Now() + absl::Hours(1);
    while (scheduler->Cancel(scheduler->RunAt(later, [] {}))) std::this_thread::yield();
    gate.Open();
  });
  scheduler->Stop();
  opener.join();
  scheduler->Run([&] { record.Add(8); }, kForeground);
  scheduler->RunAt(absl::InfinitePast(), [&] { record.Add(9); });
  EXPECT_THAT(record.Await(2), ElementsAre(1, 2));
}

}  // namespace
}  // namespace keyward::client
