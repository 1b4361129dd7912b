#include "common/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "tests/testing/temp_dir.h"

namespace keyward {
namespace {

TEST(FileTest, ReadsWhatWasWritten) {
  testing::TempDir dir;
  ASSERT_TRUE(WriteFile(dir.File("f"), "one").ok());
  ASSERT_TRUE(WriteFile(dir.File("f"), "two", 0600).ok());
  EXPECT_EQ(*ReadFile(dir.File("f")), "two");
  struct stat info {};
  ASSERT_EQ(stat(dir.File("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(FileTest, ErrorsNameThePath) {
  testing::TempDir dir;
  EXPECT_TRUE(absl::StrContains(ReadFile(dir.File("absent")).status().message(), "absent"));
  EXPECT_TRUE(absl::IsNotFound(ReadFile(dir.File("absent")).status()));
  EXPECT_TRUE(absl::StrContains(WriteFile(dir.File("no/such"), "x").message(), "no/such"));
}

TEST(FileTest, RefusesMoreThanTheLimit) {
  testing::TempDir dir;
  ASSERT_TRUE(WriteFile(dir.File("f"), "12345").ok());
  EXPECT_TRUE(ReadFile(dir.File("f"), 5).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ReadFile(dir.File("f"), 4).status()));
}

TEST(FileTest, ReadsSecretsAlike) {
  testing::TempDir dir;
  const std::string secret(40'000, 's');
  ASSERT_TRUE(WriteFile(dir.File("f"), secret, 0600).ok());
  EXPECT_EQ(ReadSecretFile(dir.File("f"))->Expose(), secret);
  EXPECT_EQ(ReadSecretFile(dir.File("f"), 40'000)->Expose(), secret);
  EXPECT_TRUE(absl::IsInvalidArgument(ReadSecretFile(dir.File("f"), 39'999).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadSecretFile(dir.File("absent")).status()));
  ASSERT_TRUE(WriteFile(dir.File("f"), "").ok());
  EXPECT_TRUE(ReadSecretFile(dir.File("f"))->empty());
}

TEST(FileTest, AFailedWriteLeavesNoTemporaryFile) {
  testing::TempDir dir;
  ASSERT_TRUE(std::filesystem::create_directory(dir.File("taken")));
  EXPECT_FALSE(WriteFile(dir.File("taken"), "x").ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

}  // namespace
}  // namespace keyward
