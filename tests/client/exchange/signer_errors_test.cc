#include "client/exchange/signer_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/error.h"

namespace keyward::exchange {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Said(const absl::Status& status) { return std::string(status.message()); }

TEST(SignerErrorsTest, AnErrorOfOurOwnCertificateIsNotTheCallers) {
  for (const char* reason : {"CLIENT_CERTIFICATE_REVOKED", "CLIENT_CERTIFICATE_EXPIRED",
                             "CLIENT_CERTIFICATE_INVALID", "CLIENT_CRL_EXPIRED"}) {
    const absl::Status told =
        AsAnswered(ForCallers(Error(absl::StatusCode::kUnauthenticated, reason, "serial 7")));
    EXPECT_EQ(told.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(told), "SIGNER_REFUSES_EXCHANGE");
    EXPECT_THAT(Said(told), HasSubstr("own client certificate"));
    EXPECT_THAT(Said(told), HasSubstr(reason));
    EXPECT_THAT(Said(told), Not(HasSubstr("serial")));
  }
}

TEST(SignerErrorsTest, SoIsOneOfOurOwnRole) {
  for (const absl::Status& status :
       {Error(absl::StatusCode::kPermissionDenied, "NOT_ALLOWED", "no role"),
        Error(absl::StatusCode::kPermissionDenied, "DENIED_BY_ROLE", "role no-prod"),
        Error(absl::StatusCode::kUnauthenticated, "CLIENT_IDENTITY_INVALID", "no name")}) {
    const absl::Status told = AsAnswered(ForCallers(status));
    EXPECT_EQ(told.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(told), "SIGNER_REFUSES_EXCHANGE");
    EXPECT_THAT(Said(told), HasSubstr("operations sign and view"));
  }
}

TEST(SignerErrorsTest, OurOwnQuotaIsSaidToBeOurs) {
  const absl::Status quota = WithRetryDelay(
      Error(absl::StatusCode::kResourceExhausted, "QUOTA_EXCEEDED", "this caller's quota"),
      absl::Milliseconds(20));
  const absl::Status ours = ForCallers(WithMetadata(quota, "quota", "identity"));
  EXPECT_EQ(ours.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(ours), "QUOTA_EXCEEDED");
  EXPECT_EQ(RetryDelayOf(ours), absl::Milliseconds(20));
  EXPECT_THAT(Said(ours), HasSubstr("keyward-exchange has used up its quota"));
  const absl::Status of_connection = WithMetadata(quota, "quota", "connection");
  EXPECT_EQ(ForCallers(of_connection), of_connection);
}

TEST(SignerErrorsTest, WhatIsAboutTheConnectionIsPassedOn) {
  for (const char* reason : {"CONNECTION_FROZEN", "EMERGENCY_FREEZE", "NO_ACTIVE_KEY_VERSION"}) {
    const absl::Status status = Error(absl::StatusCode::kFailedPrecondition, reason, "so it is");
    EXPECT_EQ(ForCallers(status), status);
    EXPECT_EQ(AsAnswered(status), status);
  }
}

}  // namespace
}  // namespace keyward::exchange
