// A token that fails while a program signs with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/keystore/provider/module_fixture.h"

namespace keyward::provider {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The token behind a module that fails on request.
class FaultsTest : public ModuleTest {
 protected:
  FaultsTest() {
    setenv("KEYWARD_FAULTY_REAL", testing::kSoftHsmModule, 1);
    setenv("KEYWARD_FAULTY_SCRIPT", dir_.File("script").c_str(), 1);
    setenv("KEYWARD_FAULTY_CALLS", dir_.File("calls").c_str(), 1);
    openssl_ = std::make_unique<OpensslContext>(absl::StrCat(
        "pkcs11-module = ", KEYWARD_FAULTY_MODULE, "\npin-source = ", dir_.File("pin"), "\n"));
    key_ = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
    EXPECT_NE(key_, nullptr) << TakeError().sentence;
  }

  ~FaultsTest() override {
    for (const char* name :
         {"KEYWARD_FAULTY_REAL", "KEYWARD_FAULTY_SCRIPT", "KEYWARD_FAULTY_CALLS"}) {
      unsetenv(name);
    }
  }

  void SetFaults(const std::string& script) const {
    ASSERT_TRUE(WriteFile(dir_.File("script"), script).ok());
  }

  bool SignsAndVerifies() const {
    const std::string signature = Sign(context(), key_.get(), "SHA256", "data");
    return !signature.empty() && Verify(context(), key_.get(), "SHA256", "data", signature);
  }

  EvpPkeyPtr key_;
};

TEST_F(FaultsTest, NamesTheCodeAndTheCall) {
  SetFaults("C_Sign 0x30");
  EXPECT_FALSE(SignsAndVerifies());
  const QueuedError error = TakeError();
  EXPECT_EQ(error.reason, static_cast<int>(Reason::kTokenFailed));
  EXPECT_THAT(error.sentence, StartsWith("C_Sign: CKR_DEVICE_ERROR"));
  EXPECT_THAT(error.sentence, HasSubstr("keyward-test"));
  SetFaults("");
  EXPECT_TRUE(SignsAndVerifies()) << TakeError().sentence;
}

TEST_F(FaultsTest, LogsInAgainAfterTheSessionsAreLost) {
  for (int i = 0; i < 3; ++i) {
    // Once: the second attempt of the same call works.
    SetFaults("C_Sign 0x30");
    EXPECT_FALSE(SignsAndVerifies());
    SetFaults("");
    EXPECT_TRUE(SignsAndVerifies()) << TakeError().sentence;
  }
  const auto calls = ReadFile(dir_.File("calls"));
  ASSERT_TRUE(calls.ok());
  // All sessions had gone, and the login with them.
  EXPECT_THAT(*calls, HasSubstr("C_Sign\nC_Login\nC_Sign\n"));
}

TEST_F(FaultsTest, NeverGivesASignatureThatDoesNotVerify) {
  SetFaults("C_Sign corrupt");
  EXPECT_EQ(Sign(context(), key_.get(), "SHA256", "data"), "");
  EXPECT_THAT(TakeError().sentence, HasSubstr("does not verify"));
}

TEST_F(FaultsTest, MakesDoWithTheSessionsThatTheTokenHas) {
  // One is open already.
  SetFaults("C_OpenSession 0xb1");
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) good += SignsAndVerifies() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 30);
}

// A session of the parent's may be behind a connection that both hold.
TEST_F(FaultsTest, AChildOpensSessionsOfItsOwn) {
  ASSERT_TRUE(SignsAndVerifies());
  const auto child_signs = [this] {
    const pid_t child = fork();
    if (child == 0) _exit(SignsAndVerifies() ? 0 : 1);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  };
  EXPECT_TRUE(child_signs());
  SetFaults("C_OpenSession 0x30");
  EXPECT_FALSE(child_signs());
  EXPECT_TRUE(SignsAndVerifies()) << TakeError().sentence;
}

TEST_F(FaultsTest, NoticesThatTheKeyIsGone) {
  Pkcs11Tool({"--delete-object", "--type", "privkey", "--id", "01"});
  SetFaults("C_Sign 0x30");
  EXPECT_FALSE(SignsAndVerifies());
  SetFaults("");
  TakeError();
  EXPECT_FALSE(SignsAndVerifies());
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kKeyChanged));
}

// Another pair under the same label and CKA_ID is another key.
TEST_F(FaultsTest, DoesNotSignWithAnotherKeyInItsPlace) {
  Pkcs11Tool({"--delete-object", "--type", "privkey", "--id", "01"});
  Pkcs11Tool({"--delete-object", "--type", "pubkey", "--id", "01"});
  Pkcs11Tool({"--keypairgen", "--key-type", "rsa:2048", "--label", "rsa", "--id", "01"});
  SetFaults("C_Sign 0x30");
  EXPECT_FALSE(SignsAndVerifies());
  SetFaults("");
  TakeError();
  EXPECT_FALSE(SignsAndVerifies());
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kKeyChanged));
}

}  // namespace
}  // namespace keyward::provider
