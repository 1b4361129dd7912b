#include "signer/audit/audit_filter.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace keyward::signer {
namespace {

class AuditFilterTest : public ::testing::Test {
 protected:
  bool Lets(const AuditFilter& filter) const {
    const auto start = ParseLineStart(line_);
    return start && Matches(filter, line_, *start);
  }

  const std::string line_ = absl::StrCat(
      R"({"sequence":12,"previous":")", kNoPrevious,
      R"(","time":"2026-01-31T12:00:00.500000Z","method":"Sign","outcome":"refused",)",
      R"("reason":"NOT_ALLOWED","identity":"cn:a \"b\" \u00e4","on_behalf_of":"cn:c","connection":"acme"})");
  const absl::Time time_ = absl::FromUnixMillis(1769860800500);
};

TEST_F(AuditFilterTest, LetsEverythingThroughWithoutConditions) { EXPECT_TRUE(Lets({})); }

TEST_F(AuditFilterTest, ComparesEachMember) {
  EXPECT_TRUE(Lets({.connection = "acme"}));
  EXPECT_FALSE(Lets({.connection = "acm"}));
  EXPECT_TRUE(Lets({.identity = "cn:a \"b\" \xc3\xa4"}));
  EXPECT_FALSE(Lets({.identity = "cn:a"}));
  // That is another member's value.
  EXPECT_FALSE(Lets({.identity = "cn:c"}));
  EXPECT_TRUE(Lets({.method = "Sign"}));
  EXPECT_FALSE(Lets({.method = "Sig"}));
  EXPECT_TRUE(Lets({.outcome = "refused"}));
  EXPECT_FALSE(Lets({.outcome = "done"}));
  EXPECT_TRUE(Lets({.reason = "NOT_ALLOWED"}));
  EXPECT_FALSE(Lets({.reason = "CLAIMS_EXP_PAST"}));
  EXPECT_TRUE(Lets({.connection = "acme", .method = "Sign", .reason = "NOT_ALLOWED"}));
  EXPECT_FALSE(Lets({.connection = "acme", .method = "Sign", .reason = "X"}));
}

TEST_F(AuditFilterTest, TakesSinceWithTheMomentAndUntilWithoutIt) {
  EXPECT_TRUE(Lets({.since = time_}));
  EXPECT_FALSE(Lets({.since = time_ + absl::Microseconds(1)}));
  EXPECT_FALSE(Lets({.until = time_}));
  EXPECT_TRUE(Lets({.until = time_ + absl::Microseconds(1)}));
}

TEST_F(AuditFilterTest, FindsAMember) {
  EXPECT_EQ(MemberOf(line_, "connection"), "acme");
  EXPECT_EQ(MemberOf(line_, "role"), "");
  EXPECT_EQ(MemberOf(line_, "sequence"), "");
  EXPECT_EQ(MemberOf("[\"connection\":]", "connection"), "");
}

}  // namespace
}  // namespace keyward::signer
