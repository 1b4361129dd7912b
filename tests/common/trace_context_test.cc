#include "common/trace_context.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace keyward {
namespace {

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kParentId[] = "00f067aa0ba902b7";

std::string Value(absl::string_view version = "00", absl::string_view more = "") {
  return absl::StrCat(version, "-", kTraceId, "-", kParentId, "-01", more);
}

TEST(TraceContextTest, ReadsVersion00) {
  const auto parsed = ParseTraceparent(Value());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->trace_id, kTraceId);
  EXPECT_EQ(parsed->parent_id, kParentId);
  EXPECT_EQ(parsed->flags, 1);
  EXPECT_EQ(ParseTraceparent(absl::StrCat("00-", kTraceId, "-", kParentId, "-fa"))->flags, 0xfa);
}

TEST(TraceContextTest, ReadsOfHigherVersionsWhatItKnows) {
  for (const char* version : {"01", "cc", "fe"}) {
    for (const char* more : {"", "-", "-what-the-future-will-be-like"}) {
      const auto parsed = ParseTraceparent(Value(version, more));
      ASSERT_TRUE(parsed) << version << more;
      EXPECT_EQ(parsed->trace_id, kTraceId);
      EXPECT_EQ(parsed->parent_id, kParentId);
      EXPECT_EQ(parsed->flags, 1);
    }
    EXPECT_FALSE(ParseTraceparent(Value(version, ".what"))) << version;
    EXPECT_FALSE(ParseTraceparent(Value(version, "0"))) << version;
  }
}

TEST(TraceContextTest, NothingFollowsVersion00) {
  for (const char* more : {"-", "-00", " ", "0", ",00"}) {
    EXPECT_FALSE(ParseTraceparent(Value("00", more))) << more;
  }
}

TEST(TraceContextTest, AVersionIsTwoDigitsAndNeverFf) {
  for (const char* version : {"ff", "0A", "0g", "0", "000", "", "-1", ".0"}) {
    EXPECT_FALSE(ParseTraceparent(Value(version))) << version;
  }
}

TEST(TraceContextTest, NoIdIsZero) {
  EXPECT_FALSE(ParseTraceparent(absl::StrCat("00-", std::string(32, '0'), "-", kParentId, "-01")));
  EXPECT_FALSE(ParseTraceparent(absl::StrCat("00-", kTraceId, "-", std::string(16, '0'), "-01")));
}

// Each place takes no other character than its own: upper case, controls, a NUL, what is
// not ASCII.
TEST(TraceContextTest, NoCharacterStandsForAnother) {
  const std::string good = Value("01");
  for (size_t at = 0; at < good.size(); ++at) {
    for (const char odd :
         {'G', 'A', 'g', '_', ' ', '\0', '\n', '\xff', good[at] == '-' ? '0' : '-'}) {
      std::string bad = good;
      bad[at] = odd;
      EXPECT_FALSE(ParseTraceparent(bad)) << bad;
    }
    EXPECT_FALSE(ParseTraceparent(good.substr(0, at))) << at;
  }
}

}  // namespace
}  // namespace keyward
