#include "signer/pin_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/file.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kVariable[] = "KEYWARD_PIN_SOURCE_TEST";

PinSource File(const std::string& path) { return {PinSource::Kind::kFile, path}; }
PinSource Variable() { return {PinSource::Kind::kEnvironment, kVariable}; }
PinSource Credential(const std::string& name) { return {PinSource::Kind::kCredential, name}; }

class PinSourceTest : public ::testing::Test {
 protected:
  void Write(absl::string_view text, unsigned mode = 0600) const {
    ASSERT_TRUE(WriteFile(path_, text, mode).ok());
  }
  ~PinSourceTest() override {
    unsetenv(kVariable);
    unsetenv("CREDENTIALS_DIRECTORY");
  }

  keyward::testing::TempDir dir_;
  std::string path_ = dir_.File("pin");
};

TEST_F(PinSourceTest, DescribesItself) {
  EXPECT_EQ(File("/etc/keyward/pin").Describe(), "file /etc/keyward/pin");
  EXPECT_EQ(Variable().Describe(), "environment variable KEYWARD_PIN_SOURCE_TEST");
  EXPECT_EQ(Credential("keyward-pin").Describe(), "systemd credential keyward-pin");
}

TEST_F(PinSourceTest, ReadsTheFirstLineOfAFile) {
  for (const char* text : {"12 34", "12 34\n", "12 34\r\n", "12 34\nmore\nlines", "12 34\n\n"}) {
    Write(text);
    const auto pin = ReadPin(File(path_));
    ASSERT_TRUE(pin.ok()) << pin.status();
    EXPECT_EQ(pin->Expose(), "12 34");
    EXPECT_TRUE(CheckPin(File(path_)).ok());
  }
  Write("1234", 0400);
  EXPECT_TRUE(ReadPin(File(path_)).ok());
}

TEST_F(PinSourceTest, RefusesAFileThatOthersCanAccess) {
  for (const unsigned mode : {0644U, 0640U, 0604U, 0660U, 0602U, 0610U, 0601U}) {
    Write("secret-pin", mode);
    const auto pin = ReadPin(File(path_));
    EXPECT_TRUE(absl::IsFailedPrecondition(pin.status())) << std::oct << mode;
    EXPECT_THAT(std::string(pin.status().message()), HasSubstr("chmod 600"));
    EXPECT_THAT(std::string(pin.status().message()), HasSubstr(path_));
  }
}

TEST_F(PinSourceTest, RefusesWhatIsNoPin) {
  for (const std::string& text :
       {std::string(), std::string("\n1234\n"), std::string("\r\n"), std::string(256, 'q'),
        std::string(100000, 'q'), std::string("qq\0qq", 5), std::string("qq\tqq")}) {
    Write(text);
    const absl::Status status = ReadPin(File(path_)).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), StartsWith("PIN from file " + path_ + ": "));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("qq")));
    EXPECT_EQ(CheckPin(File(path_)), status);
  }
  Write(std::string(255, 'q') + "\r\n");
  EXPECT_TRUE(ReadPin(File(path_)).ok());
}

TEST_F(PinSourceTest, RefusesWhatIsNoRegularFile) {
  EXPECT_TRUE(absl::IsNotFound(ReadPin(File(path_)).status()));
  EXPECT_THAT(std::string(ReadPin(File(path_)).status().message()), HasSubstr(path_));
  EXPECT_FALSE(ReadPin(File(dir_.path())).ok());
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(std::string(ReadPin(File(path_)).status().message()), HasSubstr("no regular file"));
}

TEST_F(PinSourceTest, ReadsAVariableOnceAndWipesIt) {
  setenv(kVariable, "648219", 1);
  EXPECT_TRUE(CheckPin(Variable()).ok());
  const char* value = getenv(kVariable);
  ASSERT_NE(value, nullptr) << "checking must leave it there";
  const auto pin = ReadPin(Variable());
  ASSERT_TRUE(pin.ok()) << pin.status();
  EXPECT_EQ(pin->Expose(), "648219");
  EXPECT_EQ(getenv(kVariable), nullptr);
  EXPECT_EQ(std::string(value, 6), std::string(6, '\0'));
  EXPECT_TRUE(absl::IsNotFound(ReadPin(Variable()).status()));
}

TEST_F(PinSourceTest, RefusesAnEmptyOrMissingVariable) {
  EXPECT_EQ(ReadPin(Variable()).status().message(),
            "PIN from environment variable KEYWARD_PIN_SOURCE_TEST: is not set");
  setenv(kVariable, "", 1);
  EXPECT_TRUE(absl::IsInvalidArgument(ReadPin(Variable()).status()));
  setenv(kVariable, std::string(256, 'q').c_str(), 1);
  const absl::Status status = ReadPin(Variable()).status();
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("qq")));
  EXPECT_EQ(getenv(kVariable), nullptr) << "a refused PIN is forgotten too";
}

TEST_F(PinSourceTest, ReadsASystemdCredential) {
  EXPECT_THAT(std::string(ReadPin(Credential("pin")).status().message()),
              HasSubstr("CREDENTIALS_DIRECTORY"));
  setenv("CREDENTIALS_DIRECTORY", dir_.path().c_str(), 1);
  EXPECT_TRUE(absl::IsNotFound(ReadPin(Credential("pin")).status()));
  // systemd's access lists show as group permissions.
  Write("1234\n", 0440);
  const auto pin = ReadPin(Credential("pin"));
  ASSERT_TRUE(pin.ok()) << pin.status();
  EXPECT_EQ(pin->Expose(), "1234");
}

}  // namespace
}  // namespace keyward::signer
