#include "common/server/grpc_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace keyward::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

struct Seen {
  google::rpc::Status status;
  google::rpc::ErrorInfo error;
  google::rpc::RetryInfo retry;
};

Seen Read(const grpc::Status& status) {
  Seen seen;
  EXPECT_TRUE(seen.status.ParseFromString(status.error_details()));
  EXPECT_EQ(seen.status.code(), status.error_code());
  EXPECT_EQ(seen.status.message(), status.error_message());
  EXPECT_GE(seen.status.details_size(), 1);
  EXPECT_TRUE(seen.status.details(0).UnpackTo(&seen.error));
  EXPECT_EQ(seen.error.domain(), "keyward");
  if (seen.status.details_size() > 1) {
    EXPECT_TRUE(seen.status.details(1).UnpackTo(&seen.retry));
  }
  return seen;
}

TEST(GrpcStatusTest, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(GrpcStatusTest, KeepsCodeMessageAndReason) {
  const grpc::Status status = ToGrpcStatus(
      Error(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND", "no such connection"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no such connection");
  const Seen seen = Read(status);
  EXPECT_EQ(seen.error.reason(), "CONNECTION_NOT_FOUND");
  EXPECT_EQ(seen.status.details_size(), 1);
}

TEST(GrpcStatusTest, EveryCodeHasTheSameNumber) {
  for (int code = 1; code <= 16; ++code) {
    EXPECT_EQ(ToGrpcStatus(Error(static_cast<absl::StatusCode>(code), "R", "m")).error_code(),
              code);
  }
}

TEST(GrpcStatusTest, CarriesTheRetryDelay) {
  const Seen seen = Read(
      ToGrpcStatus(WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, "QUEUE_FULL", "wait"),
                                  absl::Milliseconds(2250))));
  EXPECT_EQ(seen.error.reason(), "QUEUE_FULL");
  EXPECT_EQ(seen.retry.retry_delay().seconds(), 2);
  EXPECT_EQ(seen.retry.retry_delay().nanos(), 250000000);
}

TEST(GrpcStatusTest, CarriesFactsForPrograms) {
  const absl::Status refused =
      WithMetadata(Error(absl::StatusCode::kPermissionDenied, "USER_NOT_APPROVED", "no"),
                   "salesforce_error", "invalid_grant");
  const Seen seen = Read(ToGrpcStatus(refused));
  EXPECT_THAT(seen.error.metadata(), ElementsAre(Pair("salesforce_error", "invalid_grant")));
  const absl::Status internal = WithMetadata(absl::InternalError("slot 7"), "slot", "7");
  EXPECT_THAT(Read(ToGrpcStatus(internal)).error.metadata(), IsEmpty());
}

TEST(GrpcStatusTest, AnInternalErrorShowsNothing) {
  for (const auto code : {absl::StatusCode::kInternal, absl::StatusCode::kPermissionDenied,
                          absl::StatusCode::kUnavailable, absl::StatusCode::kUnknown}) {
    absl::Status status(code, "C_Sign: CKR_DEVICE_ERROR in slot 7");
    status.SetPayload("keyward/ck-rv", absl::Cord("CKR_DEVICE_ERROR"));
    const grpc::Status shown = ToGrpcStatus(status);
    EXPECT_EQ(shown.error_code(), code == absl::StatusCode::kUnavailable
                                      ? grpc::StatusCode::UNAVAILABLE
                                      : grpc::StatusCode::INTERNAL);
    EXPECT_THAT(shown.error_message(), Not(HasSubstr("slot")));
    EXPECT_THAT(shown.error_details(), Not(HasSubstr("CKR")));
    EXPECT_THAT(shown.error_details(), Not(HasSubstr("slot")));
    EXPECT_EQ(Read(shown).error.reason(), "INTERNAL");
  }
}

TEST(GrpcStatusTest, AnUnavailableInternalErrorKeepsItsRetryDelay) {
  const Seen seen = Read(ToGrpcStatus(
      WithRetryDelay(absl::UnavailableError("CKR_TOKEN_NOT_PRESENT"), absl::Seconds(1))));
  EXPECT_EQ(seen.retry.retry_delay().seconds(), 1);
}

TEST(GrpcStatusTest, MessagesFitIntoATrailer) {
  for (const std::string& message : {std::string(100000, 'a'), std::string(100000, '\xFF'),
                                     std::string("\xFF\xFE"), std::string(1024, 'a')}) {
    const grpc::Status status = ToGrpcStatus(Error(absl::StatusCode::kAborted, "R", message));
    EXPECT_LE(status.error_message().size(), 1024U);
    EXPECT_TRUE(IsValidUtf8(status.error_message()));
    EXPECT_EQ(Read(status).error.reason(), "R");
  }
}

}  // namespace
}  // namespace keyward::server
