#include "signer/call_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace keyward::signer {
namespace {

using ::testing::ElementsAre;

using Queue = CallQueue<int>;

Queue::Admission Admit(Queue& queue, int call, absl::string_view key = "") {
  const Queue::Admitted admitted = queue.Admit(call, key);
  EXPECT_EQ(admitted.pushed_out, std::nullopt);
  return admitted.admission;
}

// What Next() gives until there is nothing.
std::vector<int> Rest(Queue& queue) {
  std::vector<int> calls;
  while (const std::optional<int> next = queue.Next()) calls.push_back(*next);
  return calls;
}

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
        if (Admit(queue, call, absl::StrCat(i)) != Queue::Admission::kWork) continue;
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
  Queue queue(1, 2);
  EXPECT_EQ(Admit(queue, 1), Queue::Admission::kWork);
  EXPECT_EQ(queue.length(), 0U);
  Admit(queue, 2);
  Admit(queue, 3);
  EXPECT_EQ(Admit(queue, 4), Queue::Admission::kFull);
  EXPECT_EQ(queue.length(), 2U);
  queue.Next();
  EXPECT_EQ(queue.length(), 1U);
}

TEST(CallQueueTest, KeysTakeTurnsAndEachIsServedInItsOrder) {
  Queue queue(1, 100);
  Admit(queue, 0, "a");
  for (const int call : {1, 2, 3, 4}) Admit(queue, call, "a");
  for (const int call : {11, 12}) Admit(queue, call, "b");
  Admit(queue, 21, "c");
  EXPECT_EQ(queue.Next(), 1);
  // One who comes anew stands behind those whose turn has not been.
  Admit(queue, 31, "d");
  EXPECT_THAT(Rest(queue), ElementsAre(11, 21, 2, 31, 12, 3, 4));
}

TEST(CallQueueTest, AFullQueueMakesRoomForWhoIsShortOfTheirShare) {
  Queue queue(1, 4);
  Admit(queue, 0, "noisy");
  for (const int call : {1, 2, 3, 4}) Admit(queue, call, "noisy");
  EXPECT_EQ(Admit(queue, 5, "noisy"), Queue::Admission::kFull);
  int quiet = 11;
  Queue::Admitted admitted = queue.Admit(quiet, "quiet");
  EXPECT_EQ(admitted.admission, Queue::Admission::kWaiting);
  EXPECT_EQ(admitted.pushed_out, 4);
  EXPECT_EQ(queue.length(), 4U);
  EXPECT_EQ(Admit(queue, 5, "noisy"), Queue::Admission::kFull);
  quiet = 12;
  admitted = queue.Admit(quiet, "quiet");
  EXPECT_EQ(admitted.pushed_out, 3);
  // Two and two: neither takes a place from the other.
  EXPECT_EQ(Admit(queue, 13, "quiet"), Queue::Admission::kFull);
  EXPECT_EQ(Admit(queue, 5, "noisy"), Queue::Admission::kFull);
  EXPECT_THAT(Rest(queue), ElementsAre(1, 11, 2, 12));
}

TEST(CallQueueTest, AFullQueueOfShortOnesPushesNobodyOut) {
  Queue queue(1, 2);
  Admit(queue, 0, "a");
  Admit(queue, 1, "a");
  Admit(queue, 2, "b");
  EXPECT_EQ(Admit(queue, 3, "c"), Queue::Admission::kFull);
  Queue none(1, 0);
  Admit(none, 0, "a");
  EXPECT_EQ(Admit(none, 1, "b"), Queue::Admission::kFull);
}

TEST(CallQueueTest, TheLongestGivesWayNotTheOldest) {
  Queue queue(1, 6);
  Admit(queue, 0, "a");
  Admit(queue, 1, "a");
  for (const int call : {11, 12, 13}) Admit(queue, call, "b");
  for (const int call : {21, 22}) Admit(queue, call, "c");
  int call = 31;
  EXPECT_EQ(queue.Admit(call, "d").pushed_out, 13);
  EXPECT_THAT(Rest(queue), ElementsAre(1, 11, 21, 31, 12, 22));
}

// The same rules, written without regard to cost.
class PlainQueue {
 public:
  explicit PlainQueue(size_t capacity) : capacity_(capacity) {}

  std::pair<bool, std::optional<int>> Add(int call, const std::string& key) {
    std::optional<int> out;
    if (Length() >= capacity_) {
      auto longest = lanes_.end();
      // The one made last of several.
      for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
        if (longest == lanes_.end() || lane->calls.size() > longest->calls.size() ||
            (lane->calls.size() == longest->calls.size() && lane->number > longest->number)) {
          longest = lane;
        }
      }
      size_t own = 0;
      for (const Lane& lane : lanes_) own += lane.key == key ? lane.calls.size() : 0;
      if (longest == lanes_.end() || own + 1 >= longest->calls.size()) return {false, out};
      out = longest->calls.back();
      longest->calls.pop_back();
    }
    for (Lane& lane : lanes_) {
      if (lane.key == key) {
        lane.calls.push_back(call);
        return {true, out};
      }
    }
    lanes_.push_back({key, made_++, {call}});
    return {true, out};
  }

  std::optional<int> Next() {
    if (lanes_.empty()) return std::nullopt;
    Lane lane = lanes_.front();
    lanes_.pop_front();
    const int call = lane.calls.front();
    lane.calls.pop_front();
    if (!lane.calls.empty()) lanes_.push_back(lane);
    return call;
  }

  size_t Length() const {
    size_t length = 0;
    for (const Lane& lane : lanes_) length += lane.calls.size();
    return length;
  }

 private:
  struct Lane {
    std::string key;
    int number;
    std::deque<int> calls;
  };

  size_t capacity_;
  int made_ = 0;
  std::deque<Lane> lanes_;
};

TEST(CallQueueTest, DoesWhatThePlainRulesSay) {
  std::mt19937 random(20240301);  // NOLINT(cert-msc32-c,cert-msc51-cpp)
  for (int round = 0; round < 200; ++round) {
    const size_t capacity = random() % 12;
    Queue queue(1, capacity);
    PlainQueue plain(capacity);
    Admit(queue, -1);
    for (int call = 0; call < 500; ++call) {
      // More come than go, some from many, most from few.
      if (random() % 5 < 3) {
        const std::string key = absl::StrCat(random() % (1 + random() % 8));
        int moved = call;
        const Queue::Admitted admitted = queue.Admit(moved, key);
        const auto [taken, out] = plain.Add(call, key);
        ASSERT_EQ(admitted.admission, taken ? Queue::Admission::kWaiting : Queue::Admission::kFull);
        ASSERT_EQ(admitted.pushed_out, out);
      } else if (plain.Length() > 0) {
        ASSERT_EQ(queue.Next(), plain.Next());
      }
      ASSERT_EQ(queue.length(), plain.Length());
    }
  }
}

// One who has one call at a time is never refused and is served at every second turn at the latest,
// whatever another sends.
TEST(CallQueueTest, ANoisyOneNeitherStarvesNorLocksOutAQuietOne) {
  Queue queue(1, 50);
  Admit(queue, 0, "noisy");
  bool quiet_waits = false;
  int turns_without = 0;
  for (int turn = 1; turn <= 1000; ++turn) {
    for (int i = 0; i < 100; ++i) {
      int call = turn;
      queue.Admit(call, "noisy");
    }
    if (!quiet_waits) {
      int call = -turn;
      ASSERT_EQ(queue.Admit(call, "quiet").admission, Queue::Admission::kWaiting);
      quiet_waits = true;
    }
    const std::optional<int> served = queue.Next();
    ASSERT_TRUE(served);
    turns_without = *served < 0 ? 0 : turns_without + 1;
    if (*served < 0) quiet_waits = false;
    ASSERT_LE(turns_without, 1);
  }
}

}  // namespace
}  // namespace keyward::signer
