// The life of a token: refresh ahead, its end, and rejection by an API.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::Call;
using ::keyward::testing::FailsWith;
using ::keyward::testing::ScriptedLogin;
using ::testing::ElementsAre;

class AccessTokensRefreshTest : public testing::TokensFixture {
 protected:
  absl::Duration LifetimePart(double part) const { return options_.token_lifetime * part; }

  // Makes the token and uses it once.
  void Warm(const std::string& token = "token-1") {
    ASSERT_EQ(TokenFor(Request()), token);
    ASSERT_NE(tokens_->Find(Request()), nullptr);
  }
};

TEST_F(AccessTokensRefreshTest, ATokenInUseIsMadeAnewBeforeItsEnd) {
  Warm();
  scheduler_->Advance(LifetimePart(0.749));
  EXPECT_EQ(login_->logins, 1);
  scheduler_->Advance(LifetimePart(0.152));
  EXPECT_EQ(login_->logins, 2);
  EXPECT_EQ(tokens_->Find(Request())->granted.token.Expose(), "token-2");
  EXPECT_THAT(observer_.causes, ElementsAre(LoginCause::kMiss, LoginCause::kRefresh));
}

TEST_F(AccessTokensRefreshTest, WhileItIsMadeAnewTheOldOneServes) {
  Warm();
  scheduler_->AdvanceTimers(LifetimePart(0.95));
  EXPECT_EQ(tokens_->stats().logins, 1U);
  EXPECT_EQ(tokens_->Find(Request())->granted.token.Expose(), "token-1");
  scheduler_->RunTasks();
  EXPECT_EQ(tokens_->Find(Request())->granted.token.Expose(), "token-2");
}

TEST_F(AccessTokensRefreshTest, RefreshesAreSpread) {
  for (int i = 0; i < 200; ++i) {
    const std::string name = absl::StrCat("c", i);
    SetConnection(name, {"user"});
    Get(Request("", name));
    ASSERT_NE(tokens_->Find(Request("", name)), nullptr);
  }
  scheduler_->Advance(LifetimePart(0.75) - absl::Milliseconds(1));
  EXPECT_EQ(login_->logins, 200);
  int most_in_a_step = 0;
  for (int step = 0; step < 10; ++step) {
    const int before = login_->logins;
    scheduler_->Advance(LifetimePart(0.015) + absl::Milliseconds(1));
    most_in_a_step = std::max(most_in_a_step, login_->logins - before);
  }
  EXPECT_EQ(login_->logins, 400);
  EXPECT_LT(most_in_a_step, 60);
}

TEST_F(AccessTokensRefreshTest, ATokenThatNobodyUsesIsNotMadeAnewAndIsGoneAtItsEnd) {
  const std::weak_ptr<const CachedToken> token = Get(Request())->answer.value();
  scheduler_->Advance(LifetimePart(0.99));
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(tokens_->stats().tokens, 1U);
  EXPECT_FALSE(token.expired());
  scheduler_->Advance(LifetimePart(0.01));
  EXPECT_TRUE(token.expired());
  EXPECT_EQ(tokens_->stats().entries, 0U);
  EXPECT_EQ(login_->logins, 1);
}

TEST_F(AccessTokensRefreshTest, ALateUseBeginsTheRefreshThatWasDue) {
  ASSERT_EQ(TokenFor(Request()), "token-1");
  scheduler_->Advance(LifetimePart(0.95));
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(tokens_->Find(Request())->granted.token.Expose(), "token-1");
  EXPECT_NE(tokens_->Find(Request()), nullptr);
  scheduler_->RunTasks();
  EXPECT_EQ(login_->logins, 2);
  EXPECT_EQ(tokens_->Find(Request())->granted.token.Expose(), "token-2");
}

TEST_F(AccessTokensRefreshTest, AFailedRefreshServesTheOldTokenToItsEndAndBacksOff) {
  Warm();
  login_->FailWith(absl::UnavailableError("down"));
  scheduler_->Advance(LifetimePart(0.999));
  EXPECT_EQ(tokens_->Find(Request())->granted.token.Expose(), "token-1");
  // 6 to 15 minutes with pauses that grow up to a minute.
  EXPECT_GE(login_->logins, 8);
  EXPECT_LE(login_->logins, 45);
  login_->FailWith(absl::OkStatus());
  scheduler_->Advance(absl::Minutes(2));
  const std::string token = TokenFor(Request());
  EXPECT_EQ(token, absl::StrCat("token-", login_->logins));
}

TEST_F(AccessTokensRefreshTest, ARefusedRefreshIsTriedEverMoreRarely) {
  Warm();
  login_->FailWith(Error(absl::StatusCode::kPermissionDenied, "USER_INACTIVE", "inactive"));
  scheduler_->Advance(LifetimePart(0.999));
  EXPECT_NE(tokens_->Find(Request()), nullptr);
  // 1, 2, 4, 8 minutes.
  EXPECT_GE(login_->logins, 3);
  EXPECT_LE(login_->logins, 5);
}

TEST_F(AccessTokensRefreshTest, ASubjectTakenFromTheConnectionLosesItsTokenAtTheRefresh) {
  Warm();
  SetConnection("acme", {"other@acme.example"}, "2");
  scheduler_->Advance(LifetimePart(0.91));
  EXPECT_EQ(tokens_->Find(Request("user@acme.example")), nullptr);
  EXPECT_EQ(login_->logins, 1);
}

TEST_F(AccessTokensRefreshTest, TheTokensOwnEndCountsWhereItIsEarlier) {
  login_->answer = [this](auto&&...) {
    LoginResult result = ScriptedLogin::Token("jwt");
    result.granted.expires = scheduler_->Now() + absl::Minutes(20);
    return result;
  };
  const absl::Time began = scheduler_->Now();
  EXPECT_EQ(Get(Request())->answer.value()->expires, began + absl::Minutes(19));
  scheduler_->Advance(absl::Minutes(19));
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
}

TEST_F(AccessTokensRefreshTest, ATokenThatHasEndedByOurClockDoesNotMakeEveryCallALogin) {
  login_->answer = [this](auto&&...) {
    LoginResult result = ScriptedLogin::Token("jwt");
    result.granted.expires = scheduler_->Now() - absl::Minutes(20);
    return result;
  };
  EXPECT_EQ(TokenFor(Request()), "jwt");
  EXPECT_EQ(TokenFor(Request()), "jwt");
  EXPECT_EQ(login_->logins, 1);
}

TEST_F(AccessTokensRefreshTest, AThousandCallersWithOneDeadTokenCauseOneLogin) {
  Warm();
  std::vector<std::shared_ptr<Call>> calls;
  for (int i = 0; i < 500; ++i) calls.push_back(Begin(Rejected("token-1")));
  scheduler_->RunTasks();
  for (int i = 0; i < 500; ++i) calls.push_back(Get(Rejected("token-1")));
  for (const auto& call : calls) ASSERT_EQ(call->token(), "token-2");
  EXPECT_EQ(login_->logins, 2);
  EXPECT_THAT(observer_.causes, ElementsAre(LoginCause::kMiss, LoginCause::kRejected));
}

TEST_F(AccessTokensRefreshTest, ATokenThatIsNotTheCachedOneDropsNothing) {
  Warm();
  EXPECT_EQ(TokenFor(Rejected("token-0")), "token-1");
  EXPECT_EQ(TokenFor(Rejected("token-1x")), "token-1");
  EXPECT_EQ(login_->logins, 1);
  // Not found either, so that nobody gets back what he has just rejected.
  EXPECT_EQ(tokens_->Find(Rejected("token-1")), nullptr);
  EXPECT_NE(tokens_->Find(Rejected("token-0")), nullptr);
}

TEST_F(AccessTokensRefreshTest, ATokenRejectedDuringItsRefreshIsNotGivenOut) {
  Warm();
  scheduler_->AdvanceTimers(LifetimePart(0.95));
  const auto call = Begin(Rejected("token-1"));
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
  scheduler_->RunTasks();
  EXPECT_EQ(call->token(), "token-2");
  EXPECT_EQ(login_->logins, 2);
}

TEST_F(AccessTokensRefreshTest, RejectionsDoNotMakeALoopOfLogins) {
  Warm();
  EXPECT_EQ(TokenFor(Rejected("token-1")), "token-2");
  for (int i = 0; i < 100; ++i) {
    const auto again = Get(Rejected("token-2"));
    ASSERT_THAT(again->answer,
                FailsWith(absl::StatusCode::kFailedPrecondition, "TOKEN_REJECTED_AGAIN"));
    EXPECT_EQ(RetryDelayOf(again->answer.status()), options_.rejection_pause);
  }
  EXPECT_EQ(login_->logins, 2);
  // Others may be served by it.
  EXPECT_NE(tokens_->Find(Request()), nullptr);
  scheduler_->Advance(options_.rejection_pause);
  EXPECT_EQ(TokenFor(Rejected("token-2")), "token-3");
}

TEST_F(AccessTokensRefreshTest, TheSameSessionAgainIsNoLoopEither) {
  login_->answer = [](auto&&...) { return ScriptedLogin::Token("same"); };
  EXPECT_EQ(TokenFor(Request()), "same");
  const auto first = Begin(Rejected("same"));
  scheduler_->RunTasks();
  EXPECT_EQ(first->token(), "same");
  EXPECT_THAT(Get(Rejected("same"))->answer,
              FailsWith(absl::StatusCode::kFailedPrecondition, "TOKEN_REJECTED_AGAIN"));
  EXPECT_EQ(login_->logins, 2);
}

TEST_F(AccessTokensRefreshTest, ARefreshThatWaitsBehindOthersIsUrgentOnceACallWaits) {
  options_.refresh_from = options_.refresh_to;
  Start();
  SetConnection("slow", {"user"});
  Get(Request("", "slow"));
  ASSERT_NE(tokens_->Find(Request("", "slow")), nullptr);
  scheduler_->Advance(absl::Seconds(1));
  Warm("token-2");
  scheduler_->AdvanceTimers(LifetimePart(0.95));
  login_->subjects.clear();
  const auto call = Begin(Rejected("token-2"));
  // The connection's settings, and the login.
  EXPECT_TRUE(scheduler_->RunOneTask());
  EXPECT_TRUE(scheduler_->RunOneTask());
  EXPECT_TRUE(call->answered());
  EXPECT_EQ(login_->subjects.size(), 1U);
  scheduler_->RunTasks();
  // The refresh of the other, and none twice.
  EXPECT_EQ(login_->subjects.size(), 2U);
}

TEST_F(AccessTokensRefreshTest, AWallClockThatIsSetMovesNoWait) {
  for (const absl::Duration by : {absl::Hours(-1), absl::Hours(2)}) {
    Start();
    login_->deadlines.clear();
    scheduler_->SetWallClock(by);
    const absl::Time wall = scheduler_->WallNow();
    login_->answer = [&](auto&&...) {
      LoginResult result = testing::ScriptedLogin::Token("fine");
      result.granted.expires = wall + absl::Minutes(20);
      return result;
    };
    auto call = std::make_shared<testing::Call>();
    tokens_->Get(Request(), wall + absl::Seconds(20), [call](auto answer) {
      ++call->answers;
      call->answer = std::move(answer);
    });
    scheduler_->RunTasks();
    ASSERT_EQ(call->token(), "fine");
    EXPECT_EQ(login_->deadlines.at(0), wall + absl::Seconds(20));
    EXPECT_EQ((*call->answer)->expires, wall + absl::Minutes(19));
    scheduler_->SetWallClock(-by);
    scheduler_->AdvanceTimers(absl::Minutes(18));
    EXPECT_NE(tokens_->Find(Request()), nullptr);
    scheduler_->AdvanceTimers(absl::Minutes(1));
    EXPECT_EQ(tokens_->Find(Request()), nullptr);
  }
}

}  // namespace
}  // namespace keyward::client
