// A wall clock that is set back while timers run. This program has its own
// clock_gettime(), in place of the C library's.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>

#include "absl/time/clock.h"
#include "client/tokens/steady_now.h"
#include "client/tokens/thread_scheduler.h"

namespace {

std::atomic<long> set_back_seconds = 0;

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long failed = syscall(SYS_clock_gettime, clock, time);
  if (failed == 0 && clock == CLOCK_REALTIME) time->tv_sec -= set_back_seconds;
  return static_cast<int>(failed);
}

namespace keyward::client {
namespace {

TEST(WallClockTest, TimersAndTheSteadyClockGoOnWhenItIsSetBack) {
  auto scheduler = ThreadScheduler::New(1).value();
  const absl::Time wall = absl::Now();
  const absl::Time before = scheduler->Now();
  std::promise<void> ran;
  scheduler->RunAt(before + absl::Milliseconds(50), [&] { ran.set_value(); });
  set_back_seconds = 3600;
  ASSERT_LT(scheduler->WallNow(), wall - absl::Minutes(50));
  EXPECT_GE(scheduler->Now(), before);
  EXPECT_GE(SteadyNow(), before);
  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

}  // namespace
}  // namespace keyward::client
