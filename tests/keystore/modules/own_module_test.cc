// The suite as a security team runs it: against a token of theirs, named in the
// environment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/testing/softhsm.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OwnModuleTest : public ::testing::Test {
 protected:
  OwnModuleTest() {
    softhsm_.InitToken("theirs");
    if (!WriteFile(files_.File("pin"), absl::StrCat(testing::kUserPin, "\n"), 0600).ok()) abort();
    environment_ = {{"KEYWARD_ACCEPTANCE_MODULE", testing::kSoftHsmModule},
                    {"KEYWARD_ACCEPTANCE_TOKEN_URI", "pkcs11:token=theirs"},
                    {"KEYWARD_ACCEPTANCE_PIN_FILE", files_.File("pin")}};
  }

  // This program's own tests against that token.
  testing::Finished RunSuite(const std::string& tests = "*") const {
    return testing::Run(
        {std::filesystem::read_symlink("/proc/self/exe"),
         absl::StrCat("--gtest_filter=Modules/AcceptanceTest.", tests, "/OwnModule")},
        environment_);
  }

  testing::Finished Pkcs11Tool(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"pkcs11-tool", "--module", testing::kSoftHsmModule,
                                         "--token-label", "theirs", "--login", "--pin", "env:PIN"});
    return testing::Run(arguments, {{"PIN", testing::kUserPin}});
  }

  testing::SoftHsm softhsm_;
  testing::TempDir files_;
  testing::Environment environment_;
};

TEST_F(OwnModuleTest, PassesAndLeavesTheTokenAsItWas) {
  const testing::Finished made =
      Pkcs11Tool({"--keypairgen", "--key-type", "rsa:2048", "--id", "01", "--label", "their key"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string before = Pkcs11Tool({"--list-objects"}).out;
  const testing::Finished suite = RunSuite();
  EXPECT_EQ(suite.exit_code, 0) << suite.out << suite.err;
  EXPECT_THAT(suite.out, HasSubstr("[       OK ] Modules/AcceptanceTest.SignaturesVerify"));
  EXPECT_EQ(Pkcs11Tool({"--list-objects"}).out, before);
}

TEST_F(OwnModuleTest, TriesAWrongPinOnlyWhereItIsGivenOne) {
  constexpr char kTest[] = "AWrongPin*";
  EXPECT_THAT(RunSuite(kTest).out, HasSubstr("[  SKIPPED ] 1 test"));
  environment_["KEYWARD_ACCEPTANCE_WRONG_PIN"] = "not-the-pin";
  const testing::Finished suite = RunSuite(kTest);
  EXPECT_EQ(suite.exit_code, 0) << suite.out << suite.err;
  EXPECT_THAT(suite.out, HasSubstr("[  PASSED  ] 1 test"));
}

TEST_F(OwnModuleTest, NamesTheVariableThatIsMissing) {
  environment_["KEYWARD_ACCEPTANCE_PIN_FILE"] = "";
  const testing::Finished suite = RunSuite("SignaturesVerify");
  EXPECT_EQ(suite.exit_code, 1) << suite.out;
  EXPECT_THAT(suite.out, HasSubstr("KEYWARD_ACCEPTANCE_PIN_FILE is not"));
}

TEST_F(OwnModuleTest, NeverShowsThePin) {
  environment_["KEYWARD_ACCEPTANCE_TOKEN_URI"] = "pkcs11:token=absent";
  const testing::Finished suite = RunSuite("SignaturesVerify");
  EXPECT_EQ(suite.exit_code, 1) << suite.out;
  EXPECT_THAT(suite.out, HasSubstr("no token matches pkcs11:token=absent"));
  EXPECT_THAT(suite.out + suite.err, Not(HasSubstr(testing::kUserPin)));
}

}  // namespace
}  // namespace keyward::pkcs11
