// Calls: hits, joined logins, deadlines, and whose token it is.
#include "absl/strings/str_cat.h"
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::Call;
using ::keyward::testing::FailsWith;
using ::keyward::testing::ScriptedLogin;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AccessTokensCallsTest : public testing::TokensFixture {};

TEST_F(AccessTokensCallsTest, AHitTouchesNeitherSignerNorLogin) {
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
  EXPECT_EQ(TokenFor(Request()), "token-1");
  // Longer than the connection's settings are kept.
  scheduler_->Advance(absl::Minutes(5));
  const int fetches = fetches_;
  ASSERT_NE(tokens_->Find(Request()), nullptr);
  EXPECT_EQ(tokens_->Find(Request())->granted.token.Expose(), "token-1");
  const auto call = Begin(Request());
  EXPECT_EQ(call->token(), "token-1");
  EXPECT_EQ(fetches_, fetches);
  // The look at the settings, in the background.
  EXPECT_EQ(scheduler_->tasks(), 1U);
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(observer_.calls[CallKind::kHit], 3);
}

TEST_F(AccessTokensCallsTest, ACallWithoutASubjectSharesTheOnlyOnesEntry) {
  EXPECT_EQ(TokenFor(Request("user@acme.example")), "token-1");
  EXPECT_EQ(TokenFor(Request()), "token-1");
  EXPECT_NE(tokens_->Find(Request()), nullptr);
  EXPECT_NE(tokens_->Find(Request("user@acme.example")), nullptr);
  EXPECT_EQ(tokens_->stats().entries, 1U);
}

TEST_F(AccessTokensCallsTest, EachSubjectHasItsOwnToken) {
  SetConnection("duo", {"a@duo.example", "b@duo.example"});
  EXPECT_EQ(TokenFor(Request("a@duo.example", "duo")), "token-1");
  EXPECT_EQ(TokenFor(Request("b@duo.example", "duo")), "token-2");
  EXPECT_EQ(TokenFor(Request("a@duo.example", "duo")), "token-1");
  EXPECT_THAT(login_->subjects, ElementsAre("a@duo.example", "b@duo.example"));
  EXPECT_THAT(Get(Request("", "duo"))->answer,
              FailsWith(absl::StatusCode::kInvalidArgument, "SUBJECT_AMBIGUOUS"));
}

TEST_F(AccessTokensCallsTest, NoEntryIsMadeForWhatTheConnectionDoesNotHave) {
  SetConnection("empty", {});
  EXPECT_THAT(Get(Request("mallory@acme.example"))->answer,
              FailsWith(absl::StatusCode::kPermissionDenied, "SUBJECT_NOT_ALLOWED"));
  EXPECT_THAT(Get(Request("", "empty"))->answer,
              FailsWith(absl::StatusCode::kFailedPrecondition, "NO_SUBJECT"));
  EXPECT_THAT(Get(Request("", "nobody"))->answer,
              FailsWith(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND"));
  EXPECT_EQ(tokens_->stats().entries, 0U);
  EXPECT_EQ(login_->logins, 0);
  EXPECT_EQ(observer_.calls[CallKind::kRefused], 3);
}

TEST_F(AccessTokensCallsTest, TheDefaultFollowsTheConnectionsSubjects) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  SetConnection("acme", {"new@acme.example"}, "2");
  // A hit may go by what was known; the next login knows better.
  EXPECT_EQ(TokenFor(Request()), "token-1");
  scheduler_->Advance(absl::Hours(1));
  EXPECT_EQ(TokenFor(Request()), "token-2");
  EXPECT_THAT(login_->subjects, ElementsAre("user@acme.example", "new@acme.example"));
  EXPECT_NE(tokens_->Find(Request("new@acme.example")), nullptr);
}

TEST_F(AccessTokensCallsTest, AThousandCallsOnAColdEntryCauseOneLogin) {
  std::vector<std::shared_ptr<Call>> calls;
  for (int i = 0; i < 1000; ++i) calls.push_back(Begin(Request(i % 2 ? "user@acme.example" : "")));
  EXPECT_EQ(tokens_->stats().waiting, 1000U);
  scheduler_->RunTasks();
  for (const auto& call : calls) {
    ASSERT_EQ(call->answers, 1);
    ASSERT_EQ(call->token(), "token-1");
  }
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(fetches_, 1);
  EXPECT_EQ(tokens_->stats().waiting, 0U);
  EXPECT_EQ(observer_.calls[CallKind::kLogin], 1);
  EXPECT_EQ(observer_.calls[CallKind::kJoined], 999);
  // Nobody's deadline is waited for any more: the one timer left is the refresh's.
  EXPECT_EQ(scheduler_->timers(), 1U);
}

TEST_F(AccessTokensCallsTest, EachIsAnsweredAtItsDeadlineAndOneThatLeavesCancelsNothing) {
  const auto hasty = Begin(Request(), absl::Seconds(1));
  const auto patient = Begin(Request(), absl::Seconds(5));
  // Every thread is busy: the deadline is kept all the same.
  scheduler_->AdvanceTimers(absl::Seconds(1));
  EXPECT_THAT(hasty->answer, FailsWith(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED"));
  EXPECT_FALSE(patient->answered());
  scheduler_->RunTasks();
  EXPECT_EQ(patient->token(), "token-1");
  EXPECT_EQ(hasty->answers, 1);
}

TEST_F(AccessTokensCallsTest, ALoginGoesOnWhenEverybodyHasLeft) {
  tokens_->Get(Request(), scheduler_->Now() + absl::Seconds(1), [](auto) {});
  login_->answer = [this](auto&&...) {
    scheduler_->AdvanceTimers(absl::Seconds(2));
    EXPECT_EQ(tokens_->stats().waiting, 0U);
    return ScriptedLogin::Token("late");
  };
  scheduler_->RunTasks();
  EXPECT_EQ(TokenFor(Request()), "late");
  EXPECT_EQ(login_->logins, 1);
}

TEST_F(AccessTokensCallsTest, ALoginHasTheLongestWaitersTimeWithinLimits) {
  const absl::Time now = scheduler_->Now();
  const auto until = [this](absl::Duration timeout) {
    Start();
    login_->deadlines.clear();
    const absl::Time began = scheduler_->Now();
    Begin(Request(), absl::Seconds(1));
    Get(Request(), timeout);
    return login_->deadlines.at(0) - began;
  };
  EXPECT_EQ(until(absl::Seconds(2)), options_.least_login_time);
  EXPECT_EQ(until(absl::Seconds(20)), absl::Seconds(20));
  EXPECT_EQ(until(absl::InfiniteDuration()), options_.login_timeout);
  EXPECT_EQ(now, scheduler_->Now());
}

TEST_F(AccessTokensCallsTest, ADeadlineThatHasPassedBeginsNoLogin) {
  EXPECT_THAT(Get(Request(), absl::ZeroDuration())->answer,
              FailsWith(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED"));
  EXPECT_EQ(fetches_ + login_->logins, 0);
}

TEST_F(AccessTokensCallsTest, NoMoreWaitThanMay) {
  options_.max_waiting = 3;
  Start();
  std::vector<std::shared_ptr<Call>> calls;
  for (const char* name : {"a", "b", "c"}) {
    SetConnection(name, {"user"});
    calls.push_back(Begin(Request("", name)));
  }
  const auto refused = Begin(Request());
  EXPECT_THAT(refused->answer, FailsWith(absl::StatusCode::kResourceExhausted, "TOO_MANY_WAITING"));
  EXPECT_TRUE(RetryDelayOf(refused->answer.status()).has_value());
  scheduler_->RunTasks();
  for (const auto& call : calls) EXPECT_TRUE(call->answer.ok()) << call->answer.status();
  EXPECT_EQ(Get(Request())->token(), "token-4");
}

TEST_F(AccessTokensCallsTest, OfOneConnectionAnEighthMayWait) {
  options_.max_waiting = 16;
  Start();
  SetConnection("duo", {"a@duo.example", "b@duo.example", "c@duo.example"});
  const auto first = Begin(Request("a@duo.example", "duo"));
  const auto second = Begin(Request("b@duo.example", "duo"));
  const auto third = Begin(Request("c@duo.example", "duo"));
  EXPECT_THAT(third->answer, FailsWith(absl::StatusCode::kResourceExhausted, "TOO_MANY_WAITING"));
  const auto other = Begin(Request());
  // Nor may more when it is the logins that they wait for.
  scheduler_->RunOneTask();
  EXPECT_EQ(tokens_->stats().waiting, 3U);
  EXPECT_THAT(Begin(Request("c@duo.example", "duo"))->answer,
              FailsWith(absl::StatusCode::kResourceExhausted, "TOO_MANY_WAITING"));
  scheduler_->RunTasks();
  for (const auto& call : {first, second, other}) EXPECT_TRUE(call->answer.ok());
  EXPECT_TRUE(Get(Request("c@duo.example", "duo"))->answer.ok());
}

TEST_F(AccessTokensCallsTest, ACallerThatLeftGivesItsPlaceBack) {
  options_.max_waiting = 1;
  Start();
  SetConnection("other", {"user"});
  for (int i = 0; i < 10; ++i) {
    auto call = std::make_shared<Call>();
    const auto waiter =
        tokens_->Get(Request(), scheduler_->Now() + absl::Minutes(1), [call](auto answer) {
          ++call->answers;
          call->answer = std::move(answer);
        });
    ASSERT_FALSE(call->answered()) << call->token();
    tokens_->Cancel(waiter);
    tokens_->Cancel(waiter);
    EXPECT_THAT(call->answer, FailsWith(absl::StatusCode::kCancelled, "CALLER_LEFT"));
    EXPECT_EQ(call->answers, 1);
    // Nothing of it is left.
    EXPECT_EQ(tokens_->stats().waiting + scheduler_->timers(), 0U);
    EXPECT_TRUE(waiter.expired());
  }
  EXPECT_TRUE(Get(Request("", "other"))->answer.ok());
}

TEST_F(AccessTokensCallsTest, WhatIsAnsweredCannotBeCancelled) {
  for (int i = 0; i < 2; ++i) {
    auto call = std::make_shared<Call>();
    const auto waiter =
        tokens_->Get(Request(), scheduler_->Now() + absl::Minutes(1), [call](auto answer) {
          ++call->answers;
          call->answer = std::move(answer);
        });
    scheduler_->RunTasks();
    tokens_->Cancel(waiter);
    EXPECT_EQ(call->token(), "token-1");
    EXPECT_EQ(call->answers, 1);
  }
}

TEST_F(AccessTokensCallsTest, ThoseWhoLeftMakeRoomForOthers) {
  options_.max_waiting = 1;
  Start();
  const auto first = Begin(Request(), absl::Seconds(1));
  scheduler_->AdvanceTimers(absl::Seconds(1));
  EXPECT_TRUE(first->answered());
  EXPECT_EQ(Get(Request())->token(), "token-1");
}

TEST_F(AccessTokensCallsTest, TheEntryUsedLongestAgoMakesRoom) {
  options_.max_entries = 2;
  Start();
  for (const char* name : {"a", "b", "c"}) SetConnection(name, {"user"});
  EXPECT_EQ(TokenFor(Request("", "a")), "token-1");
  EXPECT_EQ(TokenFor(Request("", "b")), "token-2");
  const std::weak_ptr<const CachedToken> b = tokens_->Find(Request("", "b"));
  ASSERT_NE(tokens_->Find(Request("", "a")), nullptr);
  EXPECT_EQ(TokenFor(Request("", "c")), "token-3");
  EXPECT_TRUE(b.expired());
  EXPECT_EQ(tokens_->Find(Request("", "b")), nullptr);
  EXPECT_NE(tokens_->Find(Request("", "a")), nullptr);
  EXPECT_EQ(tokens_->stats().entries, 2U);
}

TEST_F(AccessTokensCallsTest, WhatIsLoggingInIsNotEvicted) {
  options_.max_entries = 1;
  Start();
  SetConnection("a", {"user"});
  login_->answer = [this](const LoginRequest& request, absl::Time) {
    if (request.connection->name() == "acme") {
      const auto other = Begin(Request("", "a"));
      while (!other->answered() && scheduler_->RunOneTask()) {
      }
      EXPECT_THAT(other->answer,
                  FailsWith(absl::StatusCode::kResourceExhausted, "TOO_MANY_WAITING"));
    }
    return ScriptedLogin::Token("fine");
  };
  EXPECT_EQ(TokenFor(Request()), "fine");
  EXPECT_EQ(TokenFor(Request("", "a")), "fine");
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
}

TEST_F(AccessTokensCallsTest, TheLoginKnowsForWhomAndWhereTheTimeWentIsTold) {
  Begin({.connection = "acme", .on_behalf_of = "spiffe://x/first", .traceparent = "00-aa-bb-01"});
  Begin({.connection = "acme", .on_behalf_of = "spiffe://x/second"});
  EXPECT_TRUE(scheduler_->RunOneTask());
  scheduler_->AdvanceTimers(absl::Seconds(3));
  scheduler_->RunTasks();
  EXPECT_THAT(login_->behalf, ElementsAre("spiffe://x/first"));
  EXPECT_THAT(login_->traces, ElementsAre("00-aa-bb-01"));
  EXPECT_THAT(observer_.causes, ElementsAre(LoginCause::kMiss));
  EXPECT_EQ(observer_.last_times.queue, absl::Seconds(3));
  EXPECT_EQ(observer_.last_times.network, absl::Milliseconds(7));
}

TEST_F(AccessTokensCallsTest, DrainRefusesNewLoginsAndAnswersThoseWhoWait) {
  SetConnection("a", {"user"});
  EXPECT_EQ(TokenFor(Request("", "a")), "token-1");
  const auto waiting = Begin(Request());
  tokens_->Drain(scheduler_->Now());
  EXPECT_THAT(waiting->answer, FailsWith(absl::StatusCode::kUnavailable, "SHUTTING_DOWN"));
  EXPECT_THAT(Get(Request())->answer, FailsWith(absl::StatusCode::kUnavailable, "SHUTTING_DOWN"));
  EXPECT_EQ(TokenFor(Request("", "a")), "token-1");
}

TEST_F(AccessTokensCallsTest, ItsEndAnswersThoseWhoWait) {
  const auto resolving = Begin(Request());
  tokens_ = nullptr;
  EXPECT_THAT(resolving->answer, FailsWith(absl::StatusCode::kUnavailable, "SHUTTING_DOWN"));
}

TEST_F(AccessTokensCallsTest, OptionsAreChecked) {
  options_.refresh_from = 0.9;
  options_.refresh_to = 0.8;
  const auto tokens = AccessTokens::New({.scheduler = std::make_unique<testing::ManualScheduler>(),
                                         .login = login_,
                                         .connections = nullptr},
                                        options_);
  EXPECT_THAT(tokens, FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"));
  EXPECT_THAT(tokens.status().message(), HasSubstr("refresh_from"));
}

}  // namespace
}  // namespace keyward::client
