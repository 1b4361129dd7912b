// A cached token when its connection has changed.
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;
using ::keyward::testing::ScriptedLogin;

class AccessTokensChangesTest : public testing::TokensFixture {
 protected:
  // Asks for the token until the settings are old, and has them looked at.
  void LookAgain() {
    scheduler_->Advance(absl::Seconds(61));
    EXPECT_NE(tokens_->Find(Request()), nullptr);
    scheduler_->RunTasks();
  }

  v1::Connection& acme() { return known_["acme"]; }
};

TEST_F(AccessTokensChangesTest, AnotherAppOrgOrConnectionOfThatNameEndsTheToken) {
  const auto changes = std::vector<std::function<void(v1::Connection&)>>{
      [](v1::Connection& acme) { acme.set_consumer_key("another"); },
      [](v1::Connection& acme) { acme.set_login_url("https://acme.my.salesforce.com"); },
      [](v1::Connection& acme) { acme.mutable_create_time()->set_seconds(1); },
      [](v1::Connection& acme) { acme.mutable_create_time()->set_nanos(1); }};
  int logins = 0;
  for (const auto& change : changes) {
    EXPECT_EQ(TokenFor(Request()), absl::StrCat("token-", ++logins));
    change(acme());
    LookAgain();
    EXPECT_EQ(tokens_->Find(Request()), nullptr);
    EXPECT_EQ(tokens_->stats().tokens, 0U);
  }
  EXPECT_EQ(TokenFor(Request()), "token-5");
}

TEST_F(AccessTokensChangesTest, WhatTheTokenDoesNotDependOnLeavesIt) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  acme().set_etag("2");
  acme().add_subjects("second@acme.example");
  LookAgain();
  EXPECT_NE(tokens_->Find(Request("user@acme.example")), nullptr);
  // But there is no default any more.
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
}

TEST_F(AccessTokensChangesTest, AFrozenConnectionsTokenIsNotGivenOut) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  acme().set_frozen(true);
  acme().set_etag("2");
  LookAgain();
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
  acme().set_frozen(false);
  acme().set_etag("3");
  scheduler_->Advance(directory_options_.keep);
  EXPECT_EQ(TokenFor(Request()), "token-2");
  LookAgain();
  EXPECT_NE(tokens_->Find(Request()), nullptr);
}

// Which changes no connection, so that its etag stays.
TEST_F(AccessTokensChangesTest, TheEmergencyFreezeEndsTheTokenThoughTheEtagStays) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  acme().set_emergency_freeze(true);
  LookAgain();
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
  EXPECT_EQ(tokens_->stats().tokens, 0U);
  acme().set_emergency_freeze(false);
  scheduler_->Advance(directory_options_.keep);
  EXPECT_EQ(TokenFor(Request()), "token-2");
}

TEST_F(AccessTokensChangesTest, ASubjectThatFitsAPatternKeepsItsToken) {
  acme().add_subject_patterns("integration-*@acme.example");
  EXPECT_EQ(TokenFor(Request("integration-1@acme.example")), "token-1");
  scheduler_->Advance(absl::Seconds(61));
  EXPECT_NE(tokens_->Find(Request("integration-1@acme.example")), nullptr);
  scheduler_->RunTasks();
  EXPECT_NE(tokens_->Find(Request("integration-1@acme.example")), nullptr);
  acme().clear_subject_patterns();
  scheduler_->Advance(absl::Seconds(61));
  tokens_->Find(Request("integration-1@acme.example"));
  scheduler_->RunTasks();
  EXPECT_EQ(tokens_->Find(Request("integration-1@acme.example")), nullptr);
}

TEST_F(AccessTokensChangesTest, ASubjectOrConnectionThatIsGoneEndsTheToken) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  acme().set_subjects(0, "new@acme.example");
  LookAgain();
  EXPECT_EQ(tokens_->Find(Request("user@acme.example")), nullptr);
  EXPECT_EQ(TokenFor(Request()), "token-2");
  known_.erase("acme");
  LookAgain();
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
  EXPECT_THAT(Get(Request())->answer,
              FailsWith(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND"));
}

TEST_F(AccessTokensChangesTest, ASignerThatRefusesUsEndsTheTokenAndOneThatIsAwayDoesNot) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  signer_error_ = Error(absl::StatusCode::kUnavailable, "SIGNER_UNREACHABLE", "away");
  LookAgain();
  // A proxy's, perhaps.
  signer_error_ = absl::PermissionDeniedError("403");
  LookAgain();
  const int fetches = fetches_;
  // Not at each hit.
  EXPECT_NE(tokens_->Find(Request()), nullptr);
  EXPECT_EQ(scheduler_->tasks(), 0U);
  EXPECT_EQ(fetches_, fetches);
  signer_error_ = Error(absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", "policy");
  scheduler_->Advance(absl::Seconds(11));
  EXPECT_NE(tokens_->Find(Request()), nullptr);
  scheduler_->RunTasks();
  EXPECT_EQ(tokens_->Find(Request()), nullptr);
  EXPECT_EQ(login_->logins, 1);
}

TEST_F(AccessTokensChangesTest, HoweverManyHitsTheSignerIsAskedOnceForAConnection) {
  SetConnection("duo", {"a@duo.example", "b@duo.example"});
  EXPECT_EQ(TokenFor(Request()), "token-1");
  EXPECT_EQ(TokenFor(Request("a@duo.example", "duo")), "token-2");
  EXPECT_EQ(TokenFor(Request("b@duo.example", "duo")), "token-3");
  scheduler_->Advance(absl::Minutes(2));
  const int fetches = fetches_;
  for (int i = 0; i < 10; ++i) {
    tokens_->Find(Request());
    tokens_->Find(Request("a@duo.example", "duo"));
    tokens_->Find(Request("b@duo.example", "duo"));
  }
  // One connection after the other.
  EXPECT_EQ(scheduler_->tasks(), 1U);
  known_.erase("duo");
  scheduler_->RunTasks();
  EXPECT_EQ(fetches_, fetches + 2);
  EXPECT_EQ(tokens_->stats().tokens, 1U);
}

TEST_F(AccessTokensChangesTest, ATokenOfBeforeTheChangeIsNotKept) {
  login_->answer = [this](const LoginRequest&, absl::Time) {
    if (login_->logins == 1) {
      acme().set_consumer_key("another");
      // The settings are stale by now, and the next call looks at them.
      scheduler_->AdvanceTimers(absl::Minutes(1));
      const auto other = Begin(Request());
      while (scheduler_->RunOneTask()) {
      }
    }
    return ScriptedLogin::Token(absl::StrCat("token-", login_->logins));
  };
  const auto call = Get(Request(), absl::Minutes(2));
  EXPECT_FALSE(call->answered());
  scheduler_->Advance(absl::Seconds(1));
  EXPECT_EQ(call->token(), "token-2");
  EXPECT_EQ(observer_.outcomes.size(), 2U);
  EXPECT_THAT(observer_.outcomes.at(0),
              FailsWith(absl::StatusCode::kAborted, "CONNECTION_CHANGED"));
}

}  // namespace
}  // namespace keyward::client
