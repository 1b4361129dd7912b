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

// Without the provider's knowing.
TEST_F(FaultsTest, LoadsKeysAfterTheSessionsAreLost) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(Softhsm().C_CloseAllSessions(Slot()), CKR_OK);
    EXPECT_NE(LoadPrivateKey(context(), "pkcs11:object=ec;type=private"), nullptr)
        << TakeError().sentence;
  }
  EXPECT_TRUE(SignsAndVerifies()) << TakeError().sentence;
}

TEST_F(FaultsTest, LogsInAfterTheSessionsAreLost) {
  const OpensslContext without(absl::StrCat("pkcs11-module = ", KEYWARD_FAULTY_MODULE, "\n"));
  key_.reset();
  openssl_.reset();
  // Its session is in the pool, and no login.
  EXPECT_FALSE(LoadAll(without.get(), "pkcs11:type=public").failed) << TakeError().sentence;
  ASSERT_EQ(Softhsm().C_CloseAllSessions(Slot()), CKR_OK);
  EXPECT_NE(LoadPrivateKey(without.get(), "pkcs11:object=rsa?pin-source=" + dir_.File("pin")),
            nullptr)
      << TakeError().sentence;
}

// A handle is good in its session alone, and may be another object's in the next.
TEST_F(FaultsTest, GoesOnWithAListAfterTheSessionsAreLost) {
  OSSL_STORE_CTX* store = OSSL_STORE_open_ex("pkcs11:", context(), nullptr, nullptr, nullptr,
                                             nullptr, nullptr, nullptr);
  ASSERT_NE(store, nullptr);
  int objects = 0;
  while (OSSL_STORE_eof(store) == 0) {
    OSSL_STORE_INFO* info = OSSL_STORE_load(store);
    objects += info != nullptr ? 1 : 0;
    OSSL_STORE_INFO_free(info);
    ASSERT_EQ(Softhsm().C_CloseAllSessions(Slot()), CKR_OK);
  }
  EXPECT_EQ(OSSL_STORE_error(store), 0) << TakeError().sentence;
  OSSL_STORE_close(store);
  EXPECT_EQ(objects, 6);
}

// Which is not kept in memory: what it holds now is tried, once.
TEST_F(FaultsTest, ReadsThePinsFileToLogInAgain) {
  WritePin("pin", "not-the-pin");
  ASSERT_EQ(Softhsm().C_CloseAllSessions(Slot()), CKR_OK);
  EXPECT_FALSE(SignsAndVerifies());
  EXPECT_THAT(TakeError().sentence, HasSubstr("CKR_PIN_INCORRECT"));
  EXPECT_FALSE(SignsAndVerifies());
  EXPECT_THAT(TakeError().sentence, HasSubstr("is not tried"));
  WritePin("pin", testing::kUserPin);
  EXPECT_TRUE(SignsAndVerifies()) << TakeError().sentence;
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
