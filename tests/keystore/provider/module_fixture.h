// keyward.so, loaded into OpenSSL as any program loads it, with a SoftHSM token.
#ifndef KEYWARD_TESTS_KEYSTORE_PROVIDER_MODULE_FIXTURE_H_
#define KEYWARD_TESTS_KEYSTORE_PROVIDER_MODULE_FIXTURE_H_

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/store.h>

#include <memory>
#include <string>
#include <vector>

#include "common/openssl.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/provider/provider_error.h"
#include "tests/testing/softhsm.h"
#include "tests/testing/temp_dir.h"

namespace keyward::provider {

inline constexpr char kToken[] = "keyward-test";

// The newest error of the provider on this thread's queue, which is emptied.
struct QueuedError {
  int reason = 0;
  // OpenSSL's text for the reason, and our sentence.
  std::string reason_text;
  std::string sentence;
};
QueuedError TakeError();

// A library context with openssl.cnf of the test's own. Keys made with it must be
// freed before.
class OpensslContext {
 public:
  // `settings` are lines of the provider's section.
  explicit OpensslContext(const std::string& settings);
  OSSL_LIB_CTX* get() const { return context_.get(); }

 private:
  testing::TempDir dir_;
  std::unique_ptr<OSSL_LIB_CTX, OpensslDeleter<&OSSL_LIB_CTX_free>> context_;
};

// pkcs11-module, token and pin-source for the fixture's token.
std::string SettingsWithPin(const std::string& pin_file);

// What a store gives for `uri`, up to its end or an error.
struct Loaded {
  std::vector<EvpPkeyPtr> private_keys;
  std::vector<EvpPkeyPtr> public_keys;
  std::vector<X509Ptr> certificates;
  bool failed = false;
};
Loaded LoadAll(OSSL_LIB_CTX* context, const std::string& uri, int expected = 0);

// The one private key of `uri`; null where there is none.
EvpPkeyPtr LoadPrivateKey(OSSL_LIB_CTX* context, const std::string& uri);

// One-shot EVP_DigestSign() and EVP_DigestVerify(), with the parameters of
// EVP_PKEY_CTX_ctrl_str() ("rsa_padding_mode:pss").
using Options = std::vector<std::string>;
std::string Sign(OSSL_LIB_CTX* context, EVP_PKEY* key, const char* digest, absl::string_view data,
                 const Options& options = {});
bool Verify(OSSL_LIB_CTX* context, EVP_PKEY* key, const char* digest, absl::string_view data,
            absl::string_view signature, const Options& options = {});

// The public half of `key` as OpenSSL's own key in `context`, by way of its DER.
EvpPkeyPtr PublicCopy(OSSL_LIB_CTX* context, const EVP_PKEY* key);

// A token with the key pairs rsa (01), ec (02) and ec384 (03), made by pkcs11-tool.
class ModuleTest : public ::testing::Test {
 protected:
  ModuleTest();

  // Writes `pin` where its owner alone may read it; the path.
  std::string WritePin(absl::string_view name, absl::string_view pin) const;

  // Another part of the program, which uses SoftHSM by itself.
  static CK_FUNCTION_LIST& Softhsm();
  static CK_SLOT_ID Slot();

  // Runs pkcs11-tool, logged in, on the token.
  static void Pkcs11Tool(const std::vector<std::string>& arguments);

  OSSL_LIB_CTX* context() const { return openssl_->get(); }

  testing::SoftHsm softhsm_;
  testing::TempDir dir_;
  std::unique_ptr<OpensslContext> openssl_;
};

}  // namespace keyward::provider

#endif  // KEYWARD_TESTS_KEYSTORE_PROVIDER_MODULE_FIXTURE_H_
