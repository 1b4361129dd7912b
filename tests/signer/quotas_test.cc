#include "signer/quotas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/error.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Optional;

constexpr char kPolicy[] = R"(
roles: []
quotas:
  - {name: secret-name, identities: ["spiffe://keyward.example/*"], per_second: 10, burst: 2}
  - {name: acme, connections: ["acme", "eu-*"], per_second: 2, burst: 1}
)";

AuthorizationPolicy Policy(absl::string_view yaml = kPolicy) {
  return AuthorizationPolicy::Parse(yaml, "policy.yaml").value();
}

class QuotasTest : public ::testing::Test {
 protected:
  absl::Duration now_ = absl::Hours(1);
  Quotas quotas_{[this] { return now_; }};
};

TEST_F(QuotasTest, EachIdentityHasABucketOfItsOwn) {
  const AuthorizationPolicy policy = Policy();
  for (const char* identity : {"spiffe://keyward.example/a", "spiffe://keyward.example/b"}) {
    EXPECT_TRUE(quotas_.TakeOfIdentity(policy, identity).ok());
    EXPECT_TRUE(quotas_.TakeOfIdentity(policy, identity).ok());
    const absl::Status refused = quotas_.TakeOfIdentity(policy, identity);
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(ReasonOf(refused), "QUOTA_EXCEEDED");
    EXPECT_THAT(RetryDelayOf(refused), Optional(absl::Milliseconds(100)));
    EXPECT_EQ(MetadataOf(refused).at("quota"), "identity");
    EXPECT_THAT(std::string(refused.message()), HasSubstr("10 calls a second, 2 at once"));
    EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("secret-name")));
  }
  EXPECT_EQ(quotas_.refusals().of_identity, 2U);
  EXPECT_EQ(quotas_.refusals().of_connection, 0U);
}

TEST_F(QuotasTest, EachConnectionLikewise) {
  const AuthorizationPolicy policy = Policy();
  for (const char* connection : {"acme", "eu-1", "eu-2"}) {
    EXPECT_TRUE(quotas_.TakeOfConnection(policy, connection).ok());
    const absl::Status refused = quotas_.TakeOfConnection(policy, connection);
    EXPECT_EQ(ReasonOf(refused), "QUOTA_EXCEEDED");
    EXPECT_THAT(RetryDelayOf(refused), Optional(absl::Milliseconds(500)));
    EXPECT_EQ(MetadataOf(refused).at("quota"), "connection");
  }
  EXPECT_EQ(quotas_.refusals().of_connection, 3U);
}

TEST_F(QuotasTest, WhoWaitsAsLongAsToldGetsIt) {
  const AuthorizationPolicy policy = Policy();
  now_ += absl::Nanoseconds(1) / 3;
  EXPECT_TRUE(quotas_.TakeOfConnection(policy, "acme").ok());
  now_ += absl::Nanoseconds(7) / 3;
  const absl::Status refused = quotas_.TakeOfConnection(policy, "acme");
  now_ += *RetryDelayOf(refused);
  EXPECT_TRUE(quotas_.TakeOfConnection(policy, "acme").ok());
}

TEST_F(QuotasTest, WhatHasNoQuotaIsUnlimited) {
  const AuthorizationPolicy policy = Policy();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(quotas_.TakeOfIdentity(policy, "cn:operator").ok());
    EXPECT_TRUE(quotas_.TakeOfConnection(policy, "us-1").ok());
  }
}

TEST_F(QuotasTest, AReloadDoesNotFillABucketUnlessItsQuotaChanged) {
  EXPECT_TRUE(quotas_.TakeOfConnection(Policy(), "acme").ok());
  EXPECT_FALSE(quotas_.TakeOfConnection(Policy(), "acme").ok());
  // Under another name and in another place it is the same quota.
  EXPECT_FALSE(quotas_
                   .TakeOfConnection(Policy(R"(
roles: []
quotas: [{name: other, connections: ["*"], per_second: 2, burst: 1}]
)"),
                                     "acme")
                   .ok());
  EXPECT_TRUE(quotas_
                  .TakeOfConnection(Policy(R"(
roles: []
quotas: [{name: acme, connections: ["acme"], per_second: 3, burst: 1}]
)"),
                                    "acme")
                  .ok());
}

}  // namespace
}  // namespace keyward::signer
