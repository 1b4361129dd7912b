#include "tests/standin/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace keyward::standin {
namespace {

using ::testing::MatchesRegex;

TEST(IdsTest, HaveSalesforcesShapes) {
  EXPECT_THAT(NewConsumerKey(), MatchesRegex("3MVG9[A-Za-z0-9._]{80}"));
  EXPECT_THAT(NewRecordId("005"), MatchesRegex("005[A-Za-z0-9]{12}[A-Z0-5]{3}"));
  EXPECT_THAT(NewAccessToken("00Dxx0000001gPLEAY"),
              MatchesRegex("00Dxx0000001gPL![A-Za-z0-9._]{96}"));
}

TEST(IdsTest, TheSuffixEncodesTheCase) {
  EXPECT_EQ(CaseSuffix("001D000000IqhSL"), "IAZ");
  EXPECT_EQ(CaseSuffix("00000ABCDE00000"), "A5A");
}

TEST(IdsTest, NeverRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(NewAccessToken("00Dxx0000001gPLEAY")).second);
  }
}

}  // namespace
}  // namespace keyward::standin
