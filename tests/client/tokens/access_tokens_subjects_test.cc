// Callers who may have tokens of some subjects only, and name none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::testing {
namespace {

class AccessTokensSubjectsTest : public TokensFixture {
 protected:
  static client::TokenRequest Only(const std::string& allowed, client::TokenRequest request = {}) {
    request.connection = "acme";
    request.check_subject = [allowed](absl::string_view subject) {
      if (subject == allowed) return absl::OkStatus();
      return Error(absl::StatusCode::kPermissionDenied, "NOT_ALLOWED", "not this one");
    };
    return request;
  }

  static auto IsRefused() { return FailsWith(absl::StatusCode::kPermissionDenied, "NOT_ALLOWED"); }
};

TEST_F(AccessTokensSubjectsTest, NoLoginBeginsForAnotherSubject) {
  EXPECT_THAT(Get(Only("other@acme.example"))->answer, IsRefused());
  // With settings that are known already.
  EXPECT_THAT(Get(Only("other@acme.example"))->answer, IsRefused());
  EXPECT_EQ(login_->logins, 0);
  EXPECT_EQ(tokens_->stats().entries, 0U);
  EXPECT_EQ(TokenFor(Only("user@acme.example")), "token-1");
}

TEST_F(AccessTokensSubjectsTest, TheCacheGivesNobodyAnothersToken) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  EXPECT_EQ(tokens_->Find(Only("other@acme.example")), nullptr);
  EXPECT_THAT(Get(Only("other@acme.example"))->answer, IsRefused());
  EXPECT_NE(tokens_->Find(Only("user@acme.example")), nullptr);
}

TEST_F(AccessTokensSubjectsTest, NobodyDropsAnothersToken) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  EXPECT_THAT(Get(Only("other@acme.example", Rejected("token-1")))->answer, IsRefused());
  EXPECT_EQ(TokenFor(Request()), "token-1");
  EXPECT_EQ(TokenFor(Only("user@acme.example", Rejected("token-1"))), "token-2");
}

TEST_F(AccessTokensSubjectsTest, NobodyJoinsAnothersLogin) {
  const auto first = Begin(Request());
  const auto second = Begin(Only("other@acme.example"));
  scheduler_->RunTasks();
  EXPECT_EQ(first->token(), "token-1");
  EXPECT_THAT(second->answer, IsRefused());
}

TEST_F(AccessTokensSubjectsTest, TheSubjectThatTheConnectionHasNowCounts) {
  EXPECT_EQ(TokenFor(Request()), "token-1");
  SetConnection("acme", {"other@acme.example"}, "2");
  scheduler_->Advance(absl::Minutes(2));
  // Refused by what the cache has, allowed by what the signer says now.
  EXPECT_EQ(TokenFor(Only("other@acme.example")), "token-2");
  EXPECT_THAT(Get(Only("user@acme.example"))->answer, IsRefused());
}

}  // namespace
}  // namespace keyward::testing
