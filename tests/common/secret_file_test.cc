#include "common/secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/file.h"
#include "tests/testing/temp_dir.h"

namespace keyward {
namespace {

constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

class SecretFileTest : public ::testing::Test {
 protected:
  void Write(absl::string_view text, unsigned mode = 0600) const {
    ASSERT_TRUE(WriteFile(path_, text, mode).ok());
  }

  testing::TempDir dir_;
  std::string path_ = dir_.File("secret");
};

TEST_F(SecretFileTest, ReadsTheFirstLine) {
  for (const char* text : {"12 34", "12 34\n", "12 34\r\n", "12 34\nmore\n"}) {
    Write(text);
    const auto secret = ReadSecretLine(path_, kOthers);
    ASSERT_TRUE(secret.ok()) << secret.status();
    EXPECT_EQ(secret->Expose(), "12 34");
    EXPECT_TRUE(secret->is_locked());
  }
}

TEST_F(SecretFileTest, ShowsThatALineIsTooLong) {
  Write(std::string(kMaxSecretBytes, '1') + "\n");
  EXPECT_EQ(ReadSecretLine(path_, kOthers)->Expose().size(), kMaxSecretBytes);
  Write(std::string(2 * kMaxSecretBytes, '1'));
  EXPECT_GT(ReadSecretLine(path_, kOthers)->Expose().size(), kMaxSecretBytes);
}

TEST_F(SecretFileTest, RefusesTheModesThatAreForbidden) {
  Write("1234", 0640);
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadSecretLine(path_, kOthers).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckFileMode(path_, S_IRGRP)));
  EXPECT_TRUE(CheckFileMode(path_, S_IRWXO).ok());
  EXPECT_TRUE(ReadSecretLine(path_, 0).ok());
}

TEST_F(SecretFileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_TRUE(absl::IsNotFound(ReadSecretLine(path_, 0).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(ReadSecretLine(dir_.path(), 0).status()));
  // Without waiting for who writes into it.
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_TRUE(absl::IsInvalidArgument(ReadSecretLine(path_, 0).status()));
}

}  // namespace
}  // namespace keyward
