#include "client/tokens/token_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/tokens/token_keeper.h"

namespace keyward::client {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'900'000'000);

TEST(TokenCacheTest, NamesAreTakenApart) {
  TokenCache cache(10);
  CacheEntry* const entry = cache.FindOrAdd("ab", "c");
  EXPECT_EQ(cache.FindOrAdd("ab", "c"), entry);
  EXPECT_EQ(cache.Find("ab", "c"), entry);
  EXPECT_EQ(cache.Find("a", "bc"), nullptr);
  EXPECT_EQ(cache.Find("ab", ""), nullptr);
}

TEST(TokenCacheTest, AConnectionHasOneDefault) {
  TokenCache cache(10);
  CacheEntry* const first = cache.FindOrAdd("acme", "first");
  CacheEntry* const second = cache.FindOrAdd("acme", "second");
  cache.SetDefault(*first, true);
  EXPECT_EQ(cache.Find("acme", ""), first);
  cache.SetDefault(*second, true);
  EXPECT_EQ(cache.Find("acme", ""), second);
  EXPECT_FALSE(first->is_default);
  cache.SetDefault(*first, false);
  EXPECT_EQ(cache.Find("acme", ""), second);
  cache.Remove(*second);
  EXPECT_EQ(cache.Find("acme", ""), nullptr);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(TokenCacheTest, WhatWasUsedLongestAgoMakesRoomUnlessItLogsIn) {
  TokenCache cache(3);
  CacheEntry* const a = cache.FindOrAdd("a", "u");
  cache.FindOrAdd("b", "u");
  cache.FindOrAdd("c", "u");
  cache.Touch(*a);
  a->flight = std::make_shared<LoginFlight>();
  cache.FindOrAdd("d", "u");
  EXPECT_EQ(cache.Find("b", "u"), nullptr);
  cache.FindOrAdd("e", "u");
  EXPECT_EQ(cache.Find("c", "u"), nullptr);
  cache.FindOrAdd("f", "u");
  EXPECT_EQ(cache.Find("a", "u"), a);
  EXPECT_EQ(cache.size(), 3U);
}

TEST(TokenCacheTest, WhatIsDueComesInItsOrder) {
  TokenCache cache(3);
  CacheEntry* const a = cache.FindOrAdd("a", "u");
  CacheEntry* const b = cache.FindOrAdd("b", "u");
  CacheEntry* const c = cache.FindOrAdd("c", "u");
  EXPECT_EQ(cache.NextDue(), absl::InfiniteFuture());
  cache.SetDue(*a, kNow + absl::Seconds(3));
  cache.SetDue(*b, kNow + absl::Seconds(2));
  cache.SetDue(*c, kNow + absl::Seconds(1));
  cache.SetDue(*a, kNow);
  cache.Remove(*c);
  EXPECT_EQ(cache.NextDue(), kNow);
  EXPECT_EQ(cache.TakeDue(kNow), a);
  EXPECT_EQ(cache.TakeDue(kNow), nullptr);
  EXPECT_EQ(cache.TakeDue(kNow + absl::Seconds(9)), b);
  EXPECT_EQ(cache.TakeDue(kNow + absl::Seconds(9)), nullptr);
}

TEST(TokenCacheTest, TokensAreCounted) {
  TokenCache cache(2);
  CacheEntry* const a = cache.FindOrAdd("a", "u");
  CacheEntry* const b = cache.FindOrAdd("b", "u");
  const auto token = std::make_shared<const CachedToken>();
  cache.SetToken(*a, token);
  cache.SetToken(*a, token);
  cache.SetToken(*b, token);
  EXPECT_EQ(cache.tokens(), 2U);
  cache.SetToken(*b, nullptr);
  cache.SetToken(*b, nullptr);
  EXPECT_EQ(cache.tokens(), 1U);
  // Makes room.
  cache.FindOrAdd("c", "u");
  EXPECT_EQ(cache.tokens(), 0U);
}

}  // namespace
}  // namespace keyward::client
