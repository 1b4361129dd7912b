#include "client/grpc_error.h"

#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "tests/client/scripted_signer.h"

namespace keyward::client {
namespace {

using ::keyward::testing::RichStatus;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(FromGrpcStatusTest, TakesReasonSentenceAndDelayOver) {
  const absl::Status status = FromGrpcStatus(
      RichStatus(grpc::RESOURCE_EXHAUSTED, "QUEUE_FULL", "too many", absl::Milliseconds(1250)),
      Service::kSigner, "h:1");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(status.message(), "too many");
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(1250));
}

TEST(FromGrpcStatusTest, TakesFactsForProgramsOver) {
  const absl::Status status =
      FromGrpcStatus(RichStatus(grpc::PERMISSION_DENIED, "USER_NOT_APPROVED", "no", std::nullopt,
                                {{"salesforce_error", "invalid_grant"}, {"Not Ours", "x"}}),
                     Service::kExchange, "h:1");
  EXPECT_THAT(MetadataOf(status), ElementsAre(Pair("salesforce_error", "invalid_grant")));
}

TEST(FromGrpcStatusTest, NamesTheServiceThatWasCalled) {
  const auto error = [](grpc::StatusCode code) {
    return FromGrpcStatus(grpc::Status(code, "said"), Service::kExchange, "h:1");
  };
  EXPECT_EQ(ReasonOf(error(grpc::UNAVAILABLE)), "EXCHANGE_UNREACHABLE");
  EXPECT_EQ(ReasonOf(error(grpc::DEADLINE_EXCEEDED)), "DEADLINE_EXCEEDED");
  EXPECT_EQ(ReasonOf(error(grpc::UNIMPLEMENTED)), "NOT_AN_EXCHANGE");
  EXPECT_EQ(ReasonOf(error(grpc::INTERNAL)), "EXCHANGE_FAILED");
  for (const auto code :
       {grpc::UNAVAILABLE, grpc::DEADLINE_EXCEEDED, grpc::UNIMPLEMENTED, grpc::INTERNAL}) {
    EXPECT_THAT(std::string(error(code).message()), HasSubstr("keyward-exchange"));
  }
}

TEST(FromGrpcStatusTest, OkIsOk) {
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK, Service::kSigner, "h:1").ok());
}

TEST(FromGrpcStatusTest, ErrorsOfTheWayThereGetAReason) {
  const auto reason = [](grpc::StatusCode code) {
    const absl::Status status = FromGrpcStatus(grpc::Status(code, "said"), Service::kSigner, "h:1");
    EXPECT_EQ(static_cast<int>(status.code()), static_cast<int>(code));
    EXPECT_THAT(std::string(status.message()), HasSubstr("h:1"));
    return ReasonOf(status);
  };
  EXPECT_EQ(reason(grpc::UNAVAILABLE), "SIGNER_UNREACHABLE");
  EXPECT_EQ(reason(grpc::DEADLINE_EXCEEDED), "DEADLINE_EXCEEDED");
  EXPECT_EQ(reason(grpc::UNIMPLEMENTED), "NOT_A_SIGNER");
  EXPECT_EQ(reason(grpc::INTERNAL), "SIGNER_FAILED");
}

TEST(FromGrpcStatusTest, ACallThatASignerDroppedAsItStoppedIsUnavailable) {
  const absl::Status status =
      FromGrpcStatus({grpc::CANCELLED, "CANCELLED"}, Service::kSigner, "h:1");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "SIGNER_UNREACHABLE");
}

TEST(FromGrpcStatusTest, DetailsOfOthersAndGarbageAreNotReasons) {
  google::rpc::Status rich;
  google::rpc::ErrorInfo info;
  info.set_reason("THEIRS");
  info.set_domain("example.com");
  rich.add_details()->PackFrom(info);
  EXPECT_EQ(ReasonOf(FromGrpcStatus({grpc::INTERNAL, "x", rich.SerializeAsString()},
                                    Service::kSigner, "h:1")),
            "SIGNER_FAILED");
  EXPECT_EQ(
      ReasonOf(FromGrpcStatus({grpc::INTERNAL, "x", "\xff\xff garbage"}, Service::kSigner, "h:1")),
      "SIGNER_FAILED");
}

TEST(FromGrpcStatusTest, ANegativeDelayIsNone) {
  EXPECT_EQ(
      RetryDelayOf(FromGrpcStatus(RichStatus(grpc::RESOURCE_EXHAUSTED, "Q", "x", absl::Seconds(-5)),
                                  Service::kSigner, "h:1")),
      absl::ZeroDuration());
}

}  // namespace
}  // namespace keyward::client
