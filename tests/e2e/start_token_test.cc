// Starts without the token, or without its PIN.
#include <dlfcn.h>
#include <sys/stat.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/e2e/failed_start.h"

namespace keyward::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kWrongPin[] = "000000-wrong";

class StartTokenTest : public FailedStartTest {
 protected:
  void WritePin(const std::string& text, unsigned mode = 0600) const {
    ASSERT_TRUE(WriteFile(signer_.File("pin"), text, mode).ok());
  }
};

TEST_F(StartTokenTest, AWrongPinIsTriedOnceAndItsSourceNamed) {
  WritePin(absl::StrCat(kWrongPin, "\n"));
  const testing::Finished finished = signer_.RunToEnd({}, environment());
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr(absl::StrCat("file ", signer_.File("pin"))));
  EXPECT_THAT(finished.err, HasSubstr("CKR_PIN_INCORRECT"));
  EXPECT_THAT(finished.err, Not(HasSubstr(kWrongPin)));
  EXPECT_EQ(Calls("C_Login"), 1);
  WritePin(absl::StrCat(testing::kUserPin, "\n"));
  ExpectGoodStart();
}

TEST_F(StartTokenTest, APinFileThatIsAbsentEmptyOrOpenToOthers) {
  const std::string path = signer_.File("pin");
  ASSERT_EQ(unlink(path.c_str()), 0);
  ExpectFailedStart({"token.pin.file", path, "No such file"});
  WritePin("");
  ExpectFailedStart({"token.pin.file", path, "empty"});
  WritePin(absl::StrCat(testing::kUserPin, "\n"), 0644);
  ExpectFailedStart({"token.pin.file", path, "chmod 600"});
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  ExpectFailedStart({"token.pin.file", path, "no regular file"});
  // Not even a try with half a PIN.
  EXPECT_EQ(Calls("C_Login"), 0);
}

TEST_F(StartTokenTest, APinFromTheEnvironment) {
  Configure("file: pin", "environment: KEYWARD_E2E_PIN");
  ExpectFailedStart({"token.pin.environment", "KEYWARD_E2E_PIN", "not set"});
  ExpectFailedStart({"token.pin.environment", "KEYWARD_E2E_PIN", "empty"},
                    {{"KEYWARD_E2E_PIN", ""}});
  EXPECT_EQ(Calls("C_Login"), 0);
  ExpectFailedStart({"environment variable KEYWARD_E2E_PIN", "CKR_PIN_INCORRECT"},
                    {{"KEYWARD_E2E_PIN", kWrongPin}});
  EXPECT_EQ(Calls("C_Login"), 1);
  testing::Environment good = environment();
  good["KEYWARD_E2E_PIN"] = testing::kUserPin;
  Start(good);
  // Nothing in /proc that other processes of the same user could read.
  const std::string environ =
      ReadFile(absl::StrCat("/proc/", signer_.daemon().pid(), "/environ")).value_or("?");
  EXPECT_THAT(environ, Not(HasSubstr(testing::kUserPin)));
  EXPECT_THAT(environ, HasSubstr("KEYWARD_FAULTY_REAL"));
  Stop();
}

TEST_F(StartTokenTest, APinFromASystemdCredential) {
  Configure("file: pin", "credential: keyward-pin");
  ExpectFailedStart({"token.pin.credential", "CREDENTIALS_DIRECTORY"});
  ASSERT_EQ(mkdir(signer_.File("credentials").c_str(), 0700), 0);
  const testing::Environment more = {{"CREDENTIALS_DIRECTORY", signer_.File("credentials")}};
  ExpectFailedStart({"token.pin.credential", "keyward-pin"}, more);
  ASSERT_TRUE(WriteFile(signer_.File("credentials/keyward-pin"), testing::kUserPin, 0400).ok());
  testing::Environment good = environment();
  good.insert(more.begin(), more.end());
  Start(good);
  Stop();
}

TEST_F(StartTokenTest, AModuleThatDoesNotLoad) {
  const std::string module = KEYWARD_FAULTY_MODULE;
  Configure(module, "absent.so");
  ExpectFailedStart({"token.module", signer_.File("absent.so"), "No such file"});
  // Text, and a library of something else.
  Configure("absent.so", signer_.File("policy.yaml"));
  ExpectFailedStart({"token", "cannot load the PKCS#11 module", signer_.File("policy.yaml")});
  Dl_info c_library{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&fopen), &c_library), 0);
  Configure(signer_.File("policy.yaml"), c_library.dli_fname);
  ExpectFailedStart({"token", c_library.dli_fname, "C_GetFunctionList"});
  Configure(c_library.dli_fname, module);
  ExpectGoodStart();
}

TEST_F(StartTokenTest, ATokenThatIsNotThere) {
  Configure("pkcs11:token=keyward-e2e", "pkcs11:token=elsewhere");
  ExpectFailedStart({"no token matches pkcs11:token=elsewhere", "the module has keyward-e2e"});
  EXPECT_EQ(Calls("C_Login"), 0);
}

TEST_F(StartTokenTest, TwoTokensThatMatch) {
  signer_.softhsm().InitToken(testing::kSignerToken);
  ExpectFailedStart({"2 tokens match pkcs11:token=keyward-e2e", "serial="});
  EXPECT_EQ(Calls("C_Login"), 0);
}

}  // namespace
}  // namespace keyward::e2e
