#include "client/tokens/circuit_breaker.h"

#include "client/salesforce_error.h"
#include "tests/client/tokens/tokens_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::FailsWith;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::Le;
using ::testing::Optional;

constexpr char kHost[] = "https://login.salesforce.com";

class CircuitBreakerTest : public ::testing::Test {
 protected:
  // One POST with this outcome; the error of Ask() where there was none.
  absl::Status Post(const absl::Status& outcome, const char* host = kHost) {
    auto permit = breaker_->Ask(host);
    if (!permit.ok()) return permit.status();
    permit->Report(outcome);
    return absl::OkStatus();
  }

  void Fail(int times, const absl::Status& failure = absl::UnavailableError("down")) {
    for (int i = 0; i < times; ++i) ASSERT_TRUE(Post(failure).ok());
  }

  // The error that an answer with this status is.
  static absl::Status Answered(int status, std::optional<absl::Duration> retry_after) {
    absl::Status error = WithMetadata(
        Error(absl::StatusCode::kUnavailable, "SALESFORCE_TRANSIENT", "try again later"),
        kHttpStatusKey, absl::StrCat(status));
    return retry_after ? WithRetryDelay(std::move(error), *retry_after) : error;
  }

  // How long the open circuit has to go.
  absl::Duration Left() { return RetryDelayOf(Post(absl::OkStatus())).value(); }

  absl::Time now_ = absl::FromUnixSeconds(1'900'000'000);
  std::unique_ptr<CircuitBreaker> breaker_ =
      CircuitBreaker::New(
          {.failures = 3, .first_open = absl::Seconds(4), .longest_open = absl::Seconds(60)},
          [this] { return now_; })
          .value();
};

TEST_F(CircuitBreakerTest, OptionsAreChecked) {
  for (const CircuitBreakerOptions& options :
       {CircuitBreakerOptions{.failures = 0},
        CircuitBreakerOptions{.first_open = absl::ZeroDuration()},
        CircuitBreakerOptions{.first_open = absl::Hours(1)}}) {
    EXPECT_THAT(CircuitBreaker::New(options),
                FailsWith(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID"));
  }
}

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
  Fail(2);
  ASSERT_TRUE(Post(absl::OkStatus()).ok());
  Fail(2);
  EXPECT_EQ(breaker_->open(), 0U);
  Fail(1, absl::DeadlineExceededError("slow"));
  const absl::Status open = Post(absl::OkStatus());
  EXPECT_THAT(open, FailsWith(absl::StatusCode::kUnavailable, "LOGIN_HOST_CIRCUIT_OPEN"));
  EXPECT_THAT(RetryDelayOf(open), Optional(AllOf(Ge(absl::Seconds(3)), Le(absl::Seconds(4)))));
  EXPECT_EQ(breaker_->open(), 1U);
  EXPECT_TRUE(Post(absl::OkStatus(), "https://test.salesforce.com").ok());
}

TEST_F(CircuitBreakerTest, ARefusalIsAnAnswer) {
  for (int i = 0; i < 10; ++i) {
    Fail(2);
    ASSERT_TRUE(Post(absl::PermissionDeniedError("inactive user")).ok());
  }
  EXPECT_EQ(breaker_->open(), 0U);
}

TEST_F(CircuitBreakerTest, OneProbeClosesItOrOpensItForLonger) {
  Fail(3);
  now_ += Left();
  {
    auto probe = breaker_->Ask(kHost);
    ASSERT_TRUE(probe.ok());
    // Only one.
    EXPECT_THAT(breaker_->Ask(kHost),
                FailsWith(absl::StatusCode::kUnavailable, "LOGIN_HOST_CIRCUIT_OPEN"));
    probe->Report(absl::UnavailableError("still down"));
  }
  EXPECT_THAT(Left(), AllOf(Ge(absl::Seconds(6)), Le(absl::Seconds(8))));
  now_ += Left();
  ASSERT_TRUE(Post(absl::FailedPreconditionError("invalid assertion")).ok());
  EXPECT_EQ(breaker_->open(), 0U);
  // As at the beginning.
  Fail(3);
  EXPECT_LE(Left(), absl::Seconds(4));
}

TEST_F(CircuitBreakerTest, ItStaysOpenForNoLongerThanTheLongest) {
  Fail(3);
  for (int i = 0; i < 20; ++i) {
    now_ += Left();
    ASSERT_TRUE(Post(absl::UnavailableError("down")).ok());
  }
  EXPECT_THAT(Left(), AllOf(Ge(absl::Seconds(45)), Le(absl::Seconds(60))));
}

TEST_F(CircuitBreakerTest, AProbeThatWasNotSentMakesRoomForAnother) {
  Fail(3);
  now_ += Left();
  { const auto unused = breaker_->Ask(kHost); }
  EXPECT_TRUE(Post(absl::OkStatus()).ok());
  EXPECT_EQ(breaker_->open(), 0U);
}

TEST_F(CircuitBreakerTest, RetryAfterDoesNotOpenItAndExtendsItToTheLongestAtMost) {
  Fail(2, Answered(503, absl::Seconds(30)));
  EXPECT_EQ(breaker_->open(), 0U);
  Fail(1, Answered(503, absl::Seconds(30)));
  EXPECT_EQ(Left(), absl::Seconds(30));
  now_ += absl::Seconds(30);
  ASSERT_TRUE(Post(Answered(503, absl::Hours(1))).ok());
  EXPECT_EQ(Left(), absl::Seconds(60));
}

TEST_F(CircuitBreakerTest, WhatIsSaidToOneTenantDoesNotShutTheOthersOut) {
  Fail(10, Answered(429, absl::Hours(1)));
  Fail(10, Answered(400, std::nullopt));
  Fail(10, WithMetadata(MakeSalesforceError({"unknown_error", "retry"}), kHttpStatusKey, "500"));
  EXPECT_EQ(breaker_->open(), 0U);
  Fail(3, Answered(500, std::nullopt));
  EXPECT_EQ(breaker_->open(), 1U);
}

TEST_F(CircuitBreakerTest, AnOriginHasOneCircuitHoweverItIsWritten) {
  ASSERT_TRUE(Post(absl::UnavailableError("down"), "https://login.salesforce.com/").ok());
  ASSERT_TRUE(Post(absl::UnavailableError("down"), "https://LOGIN.salesforce.com:443").ok());
  ASSERT_TRUE(Post(absl::UnavailableError("down")).ok());
  EXPECT_EQ(breaker_->open(), 1U);
}

TEST_F(CircuitBreakerTest, FailuresOfBeforeItOpenedDoNotKeepItOpen) {
  std::vector<CircuitBreaker::Permit> late;
  for (int i = 0; i < 5; ++i) late.push_back(breaker_->Ask(kHost).value());
  Fail(3);
  const absl::Duration left = Left();
  for (CircuitBreaker::Permit& permit : late) permit.Report(absl::UnavailableError("down"));
  EXPECT_EQ(Left(), left);
}

}  // namespace
}  // namespace keyward::client
