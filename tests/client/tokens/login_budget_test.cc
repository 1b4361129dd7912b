#include "client/tokens/login_budget.h"

#include "absl/strings/str_cat.h"
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;
using ::testing::Gt;
using ::testing::Optional;

class LoginBudgetTest : public ::testing::Test {
 protected:
  std::unique_ptr<LoginBudget> Budget(int per_hour, int burst) {
    return LoginBudget::New({.per_hour = per_hour, .burst = burst}, [this] { return now_; })
        .value();
  }

  absl::Time now_ = absl::FromUnixSeconds(1'900'000'000);
};

TEST_F(LoginBudgetTest, NoOptionsExceedWhatSalesforceAllows) {
  for (const auto& [per_hour, burst] :
       std::vector<std::pair<int, int>>{{3599, 1}, {3600, 0}, {0, 10}, {10, 0}, {1, 2147483647}}) {
    EXPECT_THAT(LoginBudget::New({.per_hour = per_hour, .burst = burst}),
                FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"))
        << per_hour << " " << burst;
  }
  EXPECT_TRUE(LoginBudget::New({.per_hour = 3598, .burst = 1}).ok());
}

TEST_F(LoginBudgetTest, NeverMoreThan3599InAnyHourWhateverCallersDo) {
  const auto budget = Budget(3000, 599);
  std::vector<absl::Time> taken;
  for (int second = 0; second < 3 * 3600; ++second) {
    while (budget->Take("acme", "user").ok()) taken.push_back(now_);
    now_ += absl::Seconds(1);
  }
  size_t most = 0;
  for (size_t first = 0, last = 0; last < taken.size(); ++last) {
    while (taken[last] - taken[first] >= absl::Hours(1)) ++first;
    most = std::max(most, last - first + 1);
  }
  EXPECT_LE(most, 3599U);
  EXPECT_GE(most, 3590U);
}

TEST_F(LoginBudgetTest, ASpentBudgetSaysWhenThereIsOneAgain) {
  const auto budget = Budget(600, 2);
  EXPECT_TRUE(budget->Take("acme", "user").ok());
  EXPECT_TRUE(budget->Take("acme", "user").ok());
  const absl::Status spent = budget->Take("acme", "user");
  EXPECT_THAT(spent, FailsWith(absl::StatusCode::kResourceExhausted, "LOGIN_BUDGET_SPENT"));
  ASSERT_THAT(RetryDelayOf(spent), Optional(Gt(absl::Seconds(5))));
  now_ += *RetryDelayOf(spent) - absl::Milliseconds(2);
  EXPECT_FALSE(budget->Take("acme", "user").ok());
  now_ += absl::Milliseconds(2);
  EXPECT_TRUE(budget->Take("acme", "user").ok());
}

TEST_F(LoginBudgetTest, EachConnectionAndSubjectHasItsOwn) {
  const auto budget = Budget(1, 1);
  EXPECT_TRUE(budget->Take("acme", "user").ok());
  EXPECT_TRUE(budget->Take("acme", "other").ok());
  EXPECT_TRUE(budget->Take("beta", "user").ok());
  EXPECT_FALSE(budget->Take("acme", "user").ok());
}

TEST_F(LoginBudgetTest, WhatIsGivenBackIsThereAgain) {
  const auto budget = Budget(1, 1);
  budget->Return("acme", "user");
  EXPECT_TRUE(budget->Take("acme", "user").ok());
  budget->Return("acme", "user");
  budget->Return("acme", "user");
  EXPECT_TRUE(budget->Take("acme", "user").ok());
  EXPECT_FALSE(budget->Take("acme", "user").ok());
}

TEST_F(LoginBudgetTest, FullBucketsAreForgotten) {
  const auto budget = Budget(3600 / 2, 10);
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_TRUE(budget->Take(absl::StrCat("c", i), "user").ok());
    // Full again after 2 s, so 200 are not.
    now_ += absl::Milliseconds(10);
  }
  EXPECT_LE(budget->size(), 1024U);
}

TEST_F(LoginBudgetTest, SpentBucketsAreNotForgotten) {
  const auto budget = Budget(1, 1);
  for (int i = 0; i < 3000; ++i) EXPECT_TRUE(budget->Take(absl::StrCat("c", i), "user").ok());
  for (int i = 0; i < 3000; ++i) EXPECT_FALSE(budget->Take(absl::StrCat("c", i), "user").ok());
}

}  // namespace
}  // namespace keyward::client
