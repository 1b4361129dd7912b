#include "common/error.h"

#include <gtest/gtest.h>

namespace keyward {
namespace {

TEST(ErrorTest, CarriesItsReasonAndDelay) {
  const absl::Status status = WithRetryDelay(
      Error(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND", "no such connection"),
      absl::Milliseconds(250));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(status), "CONNECTION_NOT_FOUND");
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(250));
}

TEST(ErrorTest, AnInternalErrorHasNoReason) {
  EXPECT_EQ(ReasonOf(absl::InternalError("disk")), std::nullopt);
  EXPECT_EQ(RetryDelayOf(absl::InternalError("disk")), std::nullopt);
}

TEST(ErrorTest, AnnotateKeepsWhatIsAttached) {
  const absl::Status status =
      Annotate(Error(absl::StatusCode::kAborted, "ETAG_MISMATCH", "changed meanwhile"), "acme");
  EXPECT_EQ(status.message(), "acme: changed meanwhile");
  EXPECT_EQ(ReasonOf(status), "ETAG_MISMATCH");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "acme").ok());
}

}  // namespace
}  // namespace keyward
