#include "signer/token_buckets.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"

namespace keyward::signer {
namespace {

constexpr absl::Duration kNone = absl::ZeroDuration();
constexpr absl::Duration kStart = absl::Hours(7);

TEST(TokenBucketsTest, ABurstThenTheRateWithTheExactTimeUntilTheNextToken) {
  TokenBuckets buckets(100);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(buckets.Take("a", 4, 5, kStart), kNone) << i;
  EXPECT_EQ(buckets.Take("a", 4, 5, kStart), absl::Milliseconds(250));
  // Being refused costs nothing.
  EXPECT_EQ(buckets.Take("a", 4, 5, kStart + absl::Milliseconds(100)), absl::Milliseconds(150));
  const absl::Duration then = kStart + absl::Milliseconds(250);
  EXPECT_EQ(buckets.Take("a", 4, 5, then - absl::Nanoseconds(1)), absl::Nanoseconds(1));
  EXPECT_EQ(buckets.Take("a", 4, 5, then), kNone);
  EXPECT_EQ(buckets.Take("a", 4, 5, then), absl::Milliseconds(250));
}

TEST(TokenBucketsTest, ABucketHoldsItsBurstAndNoMoreHoweverLongItRests) {
  TokenBuckets buckets(100);
  EXPECT_EQ(buckets.Take("a", 10, 3, kStart), kNone);
  const absl::Duration later = kStart + absl::Hours(1000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.Take("a", 10, 3, later), kNone);
  EXPECT_EQ(buckets.Take("a", 10, 3, later), absl::Milliseconds(100));
}

TEST(TokenBucketsTest, FractionsOfTokensAreNotLost) {
  TokenBuckets buckets(100);
  int taken = 0;
  // A third of a token a second, and 1.5 to begin with: 1 + floor(0.5 + 900 / 3).
  for (int i = 0; i <= 9000; ++i) {
    if (buckets.Take("a", 1.0 / 3, 1.5, kStart + i * absl::Milliseconds(100)) == kNone) ++taken;
  }
  EXPECT_EQ(taken, 301);
}

TEST(TokenBucketsTest, EachKeyHasItsOwn) {
  TokenBuckets buckets(100);
  EXPECT_EQ(buckets.Take("a", 1, 1, kStart), kNone);
  EXPECT_EQ(buckets.Take("b", 1, 1, kStart), kNone);
  EXPECT_NE(buckets.Take("a", 1, 1, kStart), kNone);
  EXPECT_NE(buckets.Take("b", 1, 1, kStart), kNone);
}

TEST(TokenBucketsTest, AChangedRateOrBurstBeginsAnew) {
  TokenBuckets buckets(100);
  EXPECT_EQ(buckets.Take("a", 1, 1, kStart), kNone);
  EXPECT_NE(buckets.Take("a", 1, 1, kStart), kNone);
  EXPECT_EQ(buckets.Take("a", 2, 1, kStart), kNone);
  EXPECT_NE(buckets.Take("a", 2, 1, kStart), kNone);
  EXPECT_EQ(buckets.Take("a", 2, 2, kStart), kNone);
  EXPECT_EQ(buckets.Take("a", 2, 2, kStart), kNone);
  EXPECT_NE(buckets.Take("a", 2, 2, kStart), kNone);
}

TEST(TokenBucketsTest, ForgetsBucketsThatAreFullAgain) {
  TokenBuckets buckets(100000);
  absl::Duration now = kStart;
  for (int i = 0; i < 20000; ++i, now += absl::Milliseconds(100)) {
    EXPECT_EQ(buckets.Take(absl::StrCat("caller ", i), 1, 5, now), kNone);
    // Ten of them are not full at any moment.
    EXPECT_LE(buckets.size(), 65U);
  }
}

TEST(TokenBucketsTest, HoldsNoMoreThanItsCapacityAndForgetsTheFullestFirst) {
  TokenBuckets buckets(1000);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(buckets.Take("busy", 0.001, 10, kStart), kNone);
  for (int i = 0; i < 10000; ++i) {
    EXPECT_EQ(buckets.Take(absl::StrCat("made up ", i), 0.001, 10, kStart), kNone);
    EXPECT_LE(buckets.size(), 1000U);
  }
  EXPECT_EQ(buckets.Take("busy", 0.001, 10, kStart), absl::Seconds(1000));
}

TEST(TokenBucketsTest, ThreadsTogetherTakeWhatThereIs) {
  TokenBuckets buckets(100);
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        if (buckets.Take("a", 1, 777, kStart) == kNone) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 777);
}

}  // namespace
}  // namespace keyward::signer
