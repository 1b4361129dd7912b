// How many threads the logins of one connection may hold.
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::Call;
using ::keyward::testing::FailsWith;
using ::keyward::testing::ScriptedLogin;
using ::testing::ElementsAre;

class AccessTokensShareTest : public testing::TokensFixture {
 protected:
  AccessTokensShareTest() {
    options_.max_logins_of_connection = 2;
    Start();
    SetConnection("many", {"a", "b", "c", "d", "e"});
    // A login that lasts: what else there is to do runs meanwhile, on other threads.
    login_->answer = [this](const LoginRequest& request, absl::Time) {
      most_ = std::max(most_, ++running_[request.connection->name()]);
      if (request.subject == "a") scheduler_->RunTasks();
      --running_[request.connection->name()];
      return ScriptedLogin::Token(request.subject);
    };
  }

  std::map<std::string, int> running_;
  int most_ = 0;
};

TEST_F(AccessTokensShareTest, TheOthersOfAConnectionWaitWithoutAThread) {
  options_.max_logins_of_connection = 1;
  Start();
  std::vector<std::shared_ptr<Call>> calls;
  for (const char* subject : {"a", "b", "c", "d", "e"}) {
    calls.push_back(Begin(Request(subject, "many")));
  }
  calls.push_back(Begin(Request()));
  scheduler_->RunTasks();
  EXPECT_EQ(most_, 1);
  // The other connection's, which came last, did not wait for them.
  EXPECT_THAT(login_->subjects, ElementsAre("a", "user@acme.example", "b", "c", "d", "e"));
  for (const auto& call : calls) EXPECT_TRUE(call->answer.ok());
  EXPECT_EQ(tokens_->stats().logins, 0U);
}

TEST_F(AccessTokensShareTest, AsManyAsMayRunAtOnce) {
  for (const char* subject : {"a", "b", "c"}) Begin(Request(subject, "many"));
  scheduler_->RunTasks();
  EXPECT_EQ(most_, 2);
  EXPECT_EQ(login_->logins, 3);
}

TEST_F(AccessTokensShareTest, ThoseHeldEndWithTheDrain) {
  options_.max_logins_of_connection = 1;
  Start();
  Begin(Request("a", "many"));
  const auto held = Begin(Request("b", "many"));
  login_->answer = [this](const LoginRequest& request, absl::Time) {
    scheduler_->RunTasks();
    tokens_->Drain(scheduler_->Now());
    return ScriptedLogin::Token(request.subject);
  };
  scheduler_->RunTasks();
  EXPECT_THAT(held->answer, FailsWith(absl::StatusCode::kUnavailable, "SHUTTING_DOWN"));
  EXPECT_EQ(login_->logins, 1);
  EXPECT_EQ(tokens_->stats().logins, 0U);
}

TEST_F(AccessTokensShareTest, OneMayAlwaysRun) {
  options_.max_logins_of_connection = 0;
  EXPECT_THAT(
      AccessTokens::New(
          {.scheduler = std::make_unique<testing::ManualScheduler>(), .login = login_}, options_),
      FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"));
}

}  // namespace
}  // namespace keyward::client
