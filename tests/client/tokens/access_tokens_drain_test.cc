// The end: what still begins while it drains, and after.
#include <thread>

#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;

class AccessTokensDrainTest : public testing::TokensFixture {
 protected:
  // The end of a drain that has waited in vain.
  void Stop() { tokens_->Drain(scheduler_->Now()); }
};

TEST_F(AccessTokensDrainTest, ALoginThatIsQueuedDoesNotBeginAfterIt) {
  const auto call = Begin(Request());
  scheduler_->RunOneTask();
  EXPECT_EQ(scheduler_->tasks(), 1U);
  Stop();
  EXPECT_THAT(call->answer, FailsWith(absl::StatusCode::kUnavailable, "SHUTTING_DOWN"));
  scheduler_->RunTasks();
  EXPECT_EQ(login_->logins, 0);
  EXPECT_EQ(tokens_->stats().logins, 0U);
}

TEST_F(AccessTokensDrainTest, NorIsTheSignerAsked) {
  Begin(Request());
  Stop();
  scheduler_->RunTasks();
  EXPECT_EQ(fetches_, 0);
}

TEST_F(AccessTokensDrainTest, WhatEndsWhileTheSignerIsAskedDoesNotGoOnToTheLogin) {
  directory_options_.keep = absl::ZeroDuration();
  Start();
  bool asked = false;
  const auto call = Begin(Request());
  scheduler_->RunOneTask();
  on_fetch_ = [&] {
    asked = true;
    Stop();
  };
  scheduler_->RunTasks();
  EXPECT_TRUE(asked);
  EXPECT_THAT(call->answer, FailsWith(absl::StatusCode::kUnavailable, "SHUTTING_DOWN"));
  EXPECT_EQ(login_->logins, 0);
}

TEST_F(AccessTokensDrainTest, ARefreshThatIsQueuedIsNotWaitedFor) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  EXPECT_NE(tokens_->Find(Request()), nullptr);
  scheduler_->AdvanceTimers(absl::Minutes(55));
  EXPECT_EQ(tokens_->stats().logins, 1U);
  testing::ManualScheduler& scheduler = *scheduler_;
  // Until it is idle, which it is without a login.
  std::thread drain([&] { tokens_->Drain(scheduler.Now() + absl::Hours(1)); });
  // It has begun once no call is taken any more.
  while (
      Begin(Request("another@acme.example"), absl::ZeroDuration())->token().find("SHUTTING_DOWN") ==
      std::string::npos) {
  }
  scheduler.RunTasks();
  drain.join();
  EXPECT_EQ(login_->logins, 1);
}

TEST_F(AccessTokensDrainTest, WhoWaitsIsServed) {
  const auto call = Begin(Request());
  scheduler_->RunOneTask();
  std::thread drain([&] { tokens_->Drain(scheduler_->Now() + absl::Hours(1)); });
  scheduler_->RunTasks();
  drain.join();
  EXPECT_EQ(call->token(), "token-1");
}

}  // namespace
}  // namespace keyward::client
