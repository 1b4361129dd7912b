// keyward.so in the life of a process: loaded and unloaded, forked, at its end.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/keystore/provider/module_fixture.h"
#include "tests/testing/subprocess.h"

namespace {

// A child leaves its parent's sessions and module as they are, and one of the tests
// leaves everything: LeakSanitizer asks this whether to look for leaks.
bool g_leaks_are_meant = false;

}  // namespace

extern "C" __attribute__((visibility("default"))) int __lsan_is_turned_off() {  // NOLINT
  return g_leaks_are_meant ? 1 : 0;
}

namespace keyward::provider {
namespace {

using ::testing::HasSubstr;

constexpr char kModule[] = KEYWARD_MODULES_DIR "/keyward.so";
using ProviderPtr = std::unique_ptr<OSSL_PROVIDER, OpensslDeleter<&OSSL_PROVIDER_unload>>;
using ContextPtr = std::unique_ptr<OSSL_LIB_CTX, OpensslDeleter<&OSSL_LIB_CTX_free>>;

using ProcessTest = ModuleTest;

bool SignsAndVerifies(OSSL_LIB_CTX* context, EVP_PKEY* key) {
  const std::string signature = Sign(context, key, "SHA256", "data");
  return !signature.empty() && Verify(context, key, "SHA256", "data", signature);
}

bool IsLoaded(const char* library) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
  if (handle != nullptr) dlclose(handle);
  return handle != nullptr;
}

// Under AddressSanitizer it shows that nothing is left behind, too.
TEST_F(ProcessTest, IsLoadedAndUnloadedAHundredTimes) {
  openssl_.reset();
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(IsLoaded(kModule)) << i;
    const OpensslContext context(SettingsWithPin(dir_.File("pin")));
    ASSERT_TRUE(IsLoaded(kModule)) << i;
    const char* uri =
        i % 2 == 0 ? "pkcs11:object=rsa;type=private" : "pkcs11:object=ec;type=private";
    const EvpPkeyPtr key = LoadPrivateKey(context.get(), uri);
    ASSERT_NE(key, nullptr) << i << TakeError().sentence;
    ASSERT_TRUE(SignsAndVerifies(context.get(), key.get())) << i << TakeError().sentence;
    ASSERT_EQ(LoadPrivateKey(context.get(), "pkcs11:object=nobody"), nullptr);
    ASSERT_EQ(TakeError().reason, static_cast<int>(Reason::kObjectNotFound));
  }
  EXPECT_FALSE(IsLoaded(kModule));
  EXPECT_FALSE(IsLoaded(testing::kSoftHsmModule));
  // Whatever texts are registered still, libp11's among them, can be read.
  for (int library = ERR_LIB_USER; library < 256; ++library) {
    const char* text = ERR_lib_error_string(ERR_PACK(library, 0, 1));
    EXPECT_TRUE(text == nullptr || strlen(text) < 1000);
  }
}

TEST_F(ProcessTest, TwoContextsShareAToken) {
  const OpensslContext other(SettingsWithPin(dir_.File("pin")));
  const EvpPkeyPtr one = LoadPrivateKey(context(), "pkcs11:object=ec;type=private");
  {
    const EvpPkeyPtr two = LoadPrivateKey(other.get(), "pkcs11:object=ec;type=private");
    EXPECT_TRUE(SignsAndVerifies(other.get(), two.get()));
  }
  // The second goes; Cryptoki stays initialised for the first.
  { const OpensslContext third(SettingsWithPin(dir_.File("pin"))); }
  EXPECT_TRUE(SignsAndVerifies(context(), one.get())) << TakeError().sentence;
}

// As nginx: the master loads the key, and its workers sign.
TEST_F(ProcessTest, SignsInAChildAndInTheParentAfterwards) {
  const EvpPkeyPtr rsa = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  const EvpPkeyPtr ec = LoadPrivateKey(context(), "pkcs11:object=ec;type=private");
  ASSERT_TRUE(SignsAndVerifies(context(), rsa.get()));
  for (int i = 0; i < 2; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      g_leaks_are_meant = true;
      const bool signed_both =
          SignsAndVerifies(context(), rsa.get()) && SignsAndVerifies(context(), ec.get());
      if (!signed_both) fprintf(stderr, "%s\n", TakeError().sentence.c_str());
      // With every exit handler, as a worker ends.
      exit(signed_both ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_TRUE(SignsAndVerifies(context(), rsa.get())) << TakeError().sentence;
    EXPECT_TRUE(SignsAndVerifies(context(), ec.get())) << TakeError().sentence;
  }
}

// Through a daemon: a connection shared with the parent would mix up their answers, and
// the child must initialise Cryptoki and log in anew.
TEST_F(ProcessTest, SignsInAChildThroughADaemon) {
  const std::string socket = dir_.File("p11.sock");
  const auto daemon =
      testing::Daemon::Start({"p11-kit", "server", "-f", "-n", socket, "--provider",
                              testing::kSoftHsmModule, absl::StrCat("pkcs11:token=", kToken)});
  ASSERT_TRUE(daemon->WaitForOutput("P11_KIT_SERVER_ADDRESS")) << daemon->Output();
  setenv("P11_KIT_SERVER_ADDRESS", absl::StrCat("unix:path=", socket).c_str(), 1);
  const OpensslContext context(absl::StrCat("pkcs11-module = ", KEYWARD_P11_KIT_CLIENT,
                                            "\npin-source = ", dir_.File("pin"), "\n"));
  const EvpPkeyPtr key = LoadPrivateKey(context.get(), "pkcs11:object=rsa;type=private");
  ASSERT_NE(key, nullptr) << TakeError().sentence;
  for (int i = 0; i < 2; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      g_leaks_are_meant = true;
      bool good = true;
      for (int round = 0; round < 5; ++round) good &= SignsAndVerifies(context.get(), key.get());
      if (!good) fprintf(stderr, "%s\n", TakeError().sentence.c_str());
      exit(good ? 0 : 1);
    }
    for (int round = 0; round < 5; ++round) {
      EXPECT_TRUE(SignsAndVerifies(context.get(), key.get())) << TakeError().sentence;
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  unsetenv("P11_KIT_SERVER_ADDRESS");
}

// A process that ends with everything still open, as most do.
TEST_F(ProcessTest, EndsInOrder) {
  const pid_t child = fork();
  if (child == 0) {
    g_leaks_are_meant = true;
    auto* context = new OpensslContext(SettingsWithPin(dir_.File("pin")));
    EvpPkeyPtr key = LoadPrivateKey(context->get(), "pkcs11:object=rsa;type=private");
    const bool good = key != nullptr && SignsAndVerifies(context->get(), key.get());
    key.release();  // NOLINT(bugprone-unused-return-value)
    exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// SoftHSM uses the default context as well.
TEST_F(ProcessTest, WorksInTheDefaultContext) {
  ASSERT_EQ(OSSL_PROVIDER_set_default_search_path(nullptr, KEYWARD_MODULES_DIR), 1);
  const ProviderPtr first(OSSL_PROVIDER_load(nullptr, "default"));
  const ProviderPtr second(OSSL_PROVIDER_load(nullptr, "keyward"));
  ASSERT_NE(second, nullptr);
  const EvpPkeyPtr key = LoadPrivateKey(
      nullptr, absl::StrCat("pkcs11:token=keyward-test;object=rsa;type=private?module-path=",
                            testing::kSoftHsmModule, "&pin-source=", dir_.File("pin")));
  ASSERT_NE(key, nullptr) << TakeError().sentence;
  EXPECT_TRUE(SignsAndVerifies(nullptr, key.get())) << TakeError().sentence;
  const EvpPkeyPtr software(EVP_RSA_gen(2048));
  EXPECT_TRUE(SignsAndVerifies(nullptr, software.get()));
}

TEST_F(ProcessTest, RefusesToBeTheFirstProvider) {
  const ContextPtr context(OSSL_LIB_CTX_new());
  ASSERT_EQ(OSSL_PROVIDER_set_default_search_path(context.get(), KEYWARD_MODULES_DIR), 1);
  const ProviderPtr keyward(OSSL_PROVIDER_load(context.get(), "keyward"));
  EXPECT_EQ(keyward, nullptr);
  // OpenSSL does not know the texts of a provider that did not start.
  const char* sentence = nullptr;
  ASSERT_NE(ERR_get_error_all(nullptr, nullptr, nullptr, &sentence, nullptr), 0U);
  EXPECT_THAT(sentence, HasSubstr("load the default (or fips) provider before keyward"));
}

// OpenSSL drops the error of a provider in its configuration that does not start.
TEST_F(ProcessTest, SaysThatTheConfigurationHasTheWrongOrder) {
  ASSERT_TRUE(WriteFile(dir_.File("cnf"),
                        absl::StrCat("openssl_conf = init\n[init]\nproviders = all\n[all]\n"
                                     "keyward = one\ndefault = two\n[two]\nactivate = 1\n[one]\n",
                                     SettingsWithPin(dir_.File("pin")), "activate = 1\n"))
                  .ok());
  const ContextPtr context(OSSL_LIB_CTX_new());
  ASSERT_EQ(OSSL_PROVIDER_set_default_search_path(context.get(), KEYWARD_MODULES_DIR), 1);
  ASSERT_EQ(OSSL_LIB_CTX_load_config(context.get(), dir_.File("cnf").c_str()), 1);
  EXPECT_TRUE(LoadAll(context.get(), "pkcs11:").failed);
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kWrongOrder));
  // It has nothing else, so all keys are the other's.
  for (const char* type : {"RSA", "EC"}) {
    const EvpPkeyCtxPtr ours(EVP_PKEY_CTX_new_from_name(context.get(), type, "provider=keyward"));
    EXPECT_EQ(ours, nullptr);
  }
  const EvpPkeyPtr software(EVP_PKEY_Q_keygen(context.get(), nullptr, "EC", "P-256"));
  ASSERT_NE(software, nullptr);
  EXPECT_TRUE(SignsAndVerifies(context.get(), software.get()));
}

}  // namespace
}  // namespace keyward::provider
