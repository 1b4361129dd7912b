#include "common/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/utf8.h"

namespace keyward {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

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

TEST(ErrorTest, CarriesFactsForPrograms) {
  absl::Status status = Error(absl::StatusCode::kPermissionDenied, "USER_NOT_APPROVED", "no");
  EXPECT_THAT(MetadataOf(status), IsEmpty());
  status = WithMetadata(status, "salesforce_error", "other");
  status = WithMetadata(status, "salesforce_error", "invalid_grant");
  status = WithMetadata(status, "salesforce_error_description", "");
  EXPECT_THAT(MetadataOf(status), ElementsAre(Pair("salesforce_error", "invalid_grant"),
                                              Pair("salesforce_error_description", "")));
  EXPECT_EQ(MetadataOf(Annotate(status, "acme")), MetadataOf(status));
  EXPECT_EQ(ReasonOf(status), "USER_NOT_APPROVED");
  EXPECT_TRUE(WithMetadata(absl::OkStatus(), "key", "value").ok());
}

TEST(ErrorTest, FactsForProgramsAreBounded) {
  const absl::Status plain = Error(absl::StatusCode::kAborted, "R", "m");
  for (const std::string& key : {std::string(), std::string(33, 'a'), std::string("A"),
                                 std::string("a-b"), std::string("a b"), std::string("\xff")}) {
    EXPECT_THAT(MetadataOf(WithMetadata(plain, key, "v")), IsEmpty()) << key;
  }
  absl::Status full = plain;
  for (const char* key : {"a", "b", "c", "d", "e"}) full = WithMetadata(full, key, "v");
  EXPECT_EQ(MetadataOf(full).size(), 4U);
  EXPECT_EQ(MetadataOf(WithMetadata(full, "a", "new")).at("a"), "new");
  const auto value = [&](const std::string& text) {
    return MetadataOf(WithMetadata(plain, "k", text)).at("k");
  };
  EXPECT_EQ(value(std::string(512, 'x')), std::string(512, 'x'));
  EXPECT_EQ(value(std::string(513, 'x')), std::string(512, 'x'));
  // 511 bytes and a character of two.
  EXPECT_EQ(value(std::string(511, 'x') + "\u00e9"), std::string(511, 'x'));
  EXPECT_TRUE(IsValidUtf8(value("\xff\xfe")));
  EXPECT_LE(value(std::string(100000, '\xff')).size(), 512U);
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
