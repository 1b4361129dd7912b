// Failures: what is tried again, what is remembered, and what is forgotten.
#include <algorithm>

#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::Call;
using ::keyward::testing::FailsWith;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Optional;

class AccessTokensFailuresTest : public testing::TokensFixture {
 protected:
  static absl::Status Refusal(const char* reason) {
    return Error(absl::StatusCode::kFailedPrecondition, reason, "no");
  }
  static absl::Status Down() {
    return Error(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE", "down");
  }
};

TEST_F(AccessTokensFailuresTest, ARefusalIsRememberedForAWhile) {
  login_->FailWith(Refusal("NO_SCOPES"));
  const auto first = Get(Request());
  EXPECT_THAT(first->answer, FailsWith(absl::StatusCode::kFailedPrecondition, "NO_SCOPES"));
  EXPECT_EQ(RetryDelayOf(first->answer.status()), std::nullopt);
  scheduler_->Advance(options_.refusal_memory - absl::Seconds(1));
  const auto second = Get(Request());
  EXPECT_THAT(second->answer, FailsWith(absl::StatusCode::kFailedPrecondition, "NO_SCOPES"));
  EXPECT_EQ(RetryDelayOf(second->answer.status()), std::nullopt);
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(observer_.calls[CallKind::kRefusedFromMemory], 1);
  login_->FailWith(absl::OkStatus());
  scheduler_->Advance(absl::Seconds(1));
  EXPECT_EQ(TokenFor(Request()), "token-2");
}

TEST_F(AccessTokensFailuresTest, AFreezeIsNotRememberedForLong) {
  for (const char* reason : {"CONNECTION_FROZEN", "EMERGENCY_FREEZE"}) {
    Start();
    login_->FailWith(Refusal(reason));
    const int logins = login_->logins;
    EXPECT_THAT(Get(Request())->answer, FailsWith(absl::StatusCode::kFailedPrecondition, reason));
    Get(Request());
    EXPECT_EQ(login_->logins, logins + 1);
    login_->FailWith(absl::OkStatus());
    scheduler_->Advance(absl::Seconds(5));
    EXPECT_TRUE(Get(Request())->answer.ok());
  }
}

TEST_F(AccessTokensFailuresTest, TheSignersQuotaIsWaitedForAndPasses) {
  login_->FailWith(
      WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, "QUOTA_EXCEEDED", "50 a second"),
                     absl::Milliseconds(300)));
  const auto waiting = Get(Request());
  EXPECT_FALSE(waiting->answered());
  login_->FailWith(absl::OkStatus());
  scheduler_->Advance(absl::Milliseconds(299));
  EXPECT_FALSE(waiting->answered());
  scheduler_->Advance(options_.initial_backoff + absl::Milliseconds(300));
  EXPECT_EQ(waiting->token(), "token-2");
}

TEST_F(AccessTokensFailuresTest, WhereWaitingCanHelpItSaysHowLong) {
  for (const char* reason : {"INVALID_ASSERTION", "UNKNOWN_CONSUMER_KEY"}) {
    Start();
    login_->FailWith(Refusal(reason));
    EXPECT_EQ(RetryDelayOf(Get(Request())->answer.status()), options_.refusal_memory);
    scheduler_->Advance(absl::Seconds(20));
    EXPECT_EQ(RetryDelayOf(Get(Request())->answer.status()),
              options_.refusal_memory - absl::Seconds(20));
  }
}

TEST_F(AccessTokensFailuresTest, AChangedConnectionIsTriedAtOnce) {
  options_.refusal_memory = absl::Hours(1);
  Start();
  login_->FailWith(Refusal("INVALID_AUDIENCE"));
  Get(Request());
  login_->FailWith(absl::OkStatus());
  scheduler_->Advance(directory_options_.keep);
  EXPECT_FALSE(Get(Request())->answer.ok());
  SetConnection("acme", {"user@acme.example"}, "2");
  scheduler_->Advance(directory_options_.keep);
  EXPECT_EQ(TokenFor(Request()), "token-2");
}

TEST_F(AccessTokensFailuresTest, SalesforcesOwnLimitIsWaitedFor) {
  login_->FailWith(WithRetryDelay(
      Error(absl::StatusCode::kResourceExhausted, "LOGIN_RATE_EXCEEDED", "3600"), absl::Hours(1)));
  const auto first = Get(Request(), absl::InfiniteDuration());
  EXPECT_THAT(first->answer,
              FailsWith(absl::StatusCode::kResourceExhausted, "LOGIN_RATE_EXCEEDED"));
  EXPECT_THAT(RetryDelayOf(first->answer.status()), Optional(Ge(absl::Hours(1))));
  scheduler_->Advance(absl::Minutes(50));
  const auto second = Get(Request(), absl::InfiniteDuration());
  EXPECT_THAT(RetryDelayOf(second->answer.status()),
              Optional(AllOf(Ge(absl::Minutes(10)), Le(absl::Minutes(11)))));
  EXPECT_EQ(login_->logins, 1);
}

TEST_F(AccessTokensFailuresTest, APassingFailureIsTriedAgainWithoutAThread) {
  login_->FailWith(Down());
  const auto call = Get(Request(), absl::Seconds(20));
  EXPECT_FALSE(call->answered());
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(scheduler_->tasks(), 0U);
  scheduler_->Advance(absl::Milliseconds(500));
  EXPECT_EQ(login_->logins, 2);
  login_->FailWith(absl::OkStatus());
  scheduler_->Advance(absl::Seconds(1));
  EXPECT_EQ(call->token(), "token-3");
}

TEST_F(AccessTokensFailuresTest, TriesComeEverMoreRarelyAndEndWithTheLongestDeadline) {
  login_->FailWith(Down());
  const auto hasty = Begin(Request(), absl::Seconds(3));
  const auto patient = Get(Request(), absl::Minutes(1));
  std::vector<absl::Time> tries;
  const absl::Time began = scheduler_->Now();
  while (!patient->answered()) {
    if (login_->logins > static_cast<int>(tries.size())) tries.push_back(scheduler_->Now());
    scheduler_->Advance(absl::Milliseconds(10));
  }
  EXPECT_LE(scheduler_->Now() - began, absl::Minutes(1) + absl::Milliseconds(10));
  // 0.5 s doubled each time, less up to half.
  ASSERT_GE(tries.size(), 6U);
  EXPECT_LE(tries.size(), 9U);
  for (size_t i = 1; i < tries.size(); ++i) {
    const absl::Duration most = absl::Milliseconds(500) * (1 << (i - 1));
    EXPECT_GE(tries[i] - tries[i - 1], most / 2 - absl::Milliseconds(10)) << i;
    EXPECT_LE(tries[i] - tries[i - 1], most + absl::Milliseconds(10)) << i;
  }
  // What the next try came too late for was answered with the last one's failure.
  EXPECT_FALSE(hasty->answer.ok());
  EXPECT_THAT(patient->answer, FailsWith(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE"));
  EXPECT_THAT(RetryDelayOf(patient->answer.status()), Optional(Ge(absl::Seconds(1))));
}

TEST_F(AccessTokensFailuresTest, RetryAfterIsObeyed) {
  login_->FailWith(WithRetryDelay(Down(), absl::Seconds(10)));
  const auto call = Get(Request(), absl::Seconds(15));
  scheduler_->Advance(absl::Seconds(10) - absl::Milliseconds(1));
  EXPECT_EQ(login_->logins, 1);
  login_->FailWith(absl::OkStatus());
  scheduler_->Advance(absl::Seconds(3));
  EXPECT_EQ(call->token(), "token-2");
}

TEST_F(AccessTokensFailuresTest, ANewCallDoesNotShortenTheBackoff) {
  login_->FailWith(WithRetryDelay(Down(), absl::Seconds(10)));
  EXPECT_THAT(Get(Request(), absl::Seconds(5))->answer,
              FailsWith(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE"));
  const auto hasty = Get(Request(), absl::Seconds(5));
  EXPECT_THAT(hasty->answer, FailsWith(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE"));
  EXPECT_THAT(RetryDelayOf(hasty->answer.status()), Optional(Ge(absl::Seconds(10))));
  login_->FailWith(absl::OkStatus());
  const auto patient = Get(Request(), absl::Seconds(20));
  EXPECT_FALSE(patient->answered());
  // One that comes while others wait for the next try is not kept for nothing.
  EXPECT_TRUE(Get(Request(), absl::Seconds(5))->answered());
  scheduler_->Advance(absl::Seconds(13));
  EXPECT_EQ(patient->token(), "token-2");
}

TEST_F(AccessTokensFailuresTest, ADeadlineBeforeTheNextAnswerTellsTheLastFailure) {
  login_->FailWith(Down());
  const auto call = Get(Request(), absl::Seconds(5));
  login_->answer = [this](auto&&...) {
    scheduler_->AdvanceTimers(absl::Seconds(6));
    return testing::ScriptedLogin::Token("late");
  };
  scheduler_->Advance(absl::Seconds(1));
  EXPECT_THAT(call->answer, FailsWith(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED"));
  EXPECT_THAT(call->answer.status().message(), HasSubstr("down"));
}

TEST_F(AccessTokensFailuresTest, NothingIsTriedAgainForNobody) {
  login_->FailWith(WithRetryDelay(Down(), absl::Seconds(1)));
  const auto call = Get(Request(), absl::Seconds(2));
  EXPECT_FALSE(call->answered());
  scheduler_->AdvanceTimers(absl::Seconds(2));
  EXPECT_TRUE(call->answered());
  scheduler_->Advance(absl::Hours(1));
  EXPECT_LE(login_->logins, 2);
  EXPECT_EQ(tokens_->stats().logins, 0U);
  EXPECT_EQ(tokens_->stats().entries, 0U);
  EXPECT_EQ(scheduler_->timers(), 0U);
}

TEST_F(AccessTokensFailuresTest, ASignerThatDoesNotAnswerIsAskedAgain) {
  signer_error_ = Error(absl::StatusCode::kUnavailable, "SIGNER_UNREACHABLE", "no signer");
  const auto hasty = Begin(Request(), absl::Milliseconds(100));
  const auto patient = Get(Request(), absl::Seconds(10));
  EXPECT_THAT(hasty->answer, FailsWith(absl::StatusCode::kUnavailable, "SIGNER_UNREACHABLE"));
  EXPECT_FALSE(patient->answered());
  signer_error_ = absl::OkStatus();
  scheduler_->Advance(absl::Seconds(1));
  EXPECT_EQ(patient->token(), "token-1");
}

TEST_F(AccessTokensFailuresTest, AConnectionThatTheSignerDoesNotKnowIsRememberedBriefly) {
  known_.clear();
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Get(Request())->answer,
                FailsWith(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND"));
  }
  EXPECT_EQ(fetches_, 1);
  SetConnection("acme", {"user@acme.example"});
  scheduler_->Advance(directory_options_.keep_not_found);
  EXPECT_EQ(TokenFor(Request()), "token-1");
}

}  // namespace
}  // namespace keyward::client
