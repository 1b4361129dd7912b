#include "signer/call_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace keyward::signer {
namespace {

using Queue = CallQueue<int>;

Queue::Admission Admit(Queue& queue, int call) { return queue.Admit(call); }

TEST(CallQueueTest, WorkersFirstThenWaitingThenFull) {
  Queue queue(2, 1);
  EXPECT_EQ(Admit(queue, 1), Queue::Admission::kWork);
  EXPECT_EQ(Admit(queue, 2), Queue::Admission::kWork);
  EXPECT_EQ(Admit(queue, 3), Queue::Admission::kWaiting);
  EXPECT_EQ(Admit(queue, 4), Queue::Admission::kFull);
}

TEST(CallQueueTest, FirstComeFirstServedAndAWorkerThatEndsMakesRoom) {
  Queue queue(1, 2);
  Admit(queue, 1);
  Admit(queue, 2);
  Admit(queue, 3);
  EXPECT_EQ(queue.Next(), 2);
  EXPECT_EQ(Admit(queue, 4), Queue::Admission::kWaiting);
  EXPECT_EQ(queue.Next(), 3);
  EXPECT_EQ(queue.Next(), 4);
  EXPECT_FALSE(queue.IsIdle());
  EXPECT_EQ(queue.Next(), std::nullopt);
  EXPECT_TRUE(queue.IsIdle());
  EXPECT_EQ(Admit(queue, 5), Queue::Admission::kWork);
}

TEST(CallQueueTest, TellsWhenEveryWorkerIsBusy) {
  Queue queue(1, 1);
  std::thread waiter([&] { EXPECT_TRUE(queue.AwaitAllBusy()); });
  Admit(queue, 1);
  waiter.join();
  EXPECT_TRUE(queue.AreAllBusyAfter(absl::ZeroDuration()));
  queue.Next();
  EXPECT_FALSE(queue.AreAllBusyAfter(absl::ZeroDuration()));
}

TEST(CallQueueTest, StopEndsTheWaits) {
  Queue queue(1, 1);
  std::thread waiter([&] { EXPECT_FALSE(queue.AwaitAllBusy()); });
  queue.Stop();
  waiter.join();
  Admit(queue, 1);
  EXPECT_FALSE(queue.AreAllBusyAfter(absl::Hours(1)));
}

TEST(CallQueueTest, EveryCallIsWorkedOnOnceAndNeverTooManyAtATime) {
  constexpr int kCallers = 8;
  constexpr int kCalls = 2000;
  Queue queue(3, kCallers * kCalls);
  std::atomic<int> at_work{0};
  std::atomic<int> most{0};
  std::atomic<int64_t> sum{0};
  const auto work = [&](int call) {
    const int now = ++at_work;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    sum += call;
    --at_work;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < kCalls; ++j) {
        const int call = i * kCalls + j;
        if (Admit(queue, call) != Queue::Admission::kWork) continue;
        work(call);
        while (const std::optional<int> next = queue.Next()) work(*next);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int64_t all = kCallers * kCalls;
  EXPECT_EQ(sum, all * (all - 1) / 2);
  EXPECT_LE(most, 3);
  EXPECT_TRUE(queue.IsIdle());
}

TEST(CallQueueTest, ItsLengthIsWhatWaits) {
  CallQueue<int> queue(1, 2);
  int call = 1;
  EXPECT_EQ(queue.Admit(call), CallQueue<int>::Admission::kWork);
  EXPECT_EQ(queue.length(), 0U);
  queue.Admit(call);
  queue.Admit(call);
  EXPECT_EQ(queue.Admit(call), CallQueue<int>::Admission::kFull);
  EXPECT_EQ(queue.length(), 2U);
  queue.Next();
  EXPECT_EQ(queue.length(), 1U);
}

}  // namespace
}  // namespace keyward::signer
