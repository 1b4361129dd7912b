// What is wrong with a URI, a token or a PIN: each an error of its own.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/keystore/provider/module_fixture.h"

namespace keyward::provider {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ErrorsTest : public ModuleTest {
 protected:
  // The error of loading a private key.
  static QueuedError ErrorOf(OSSL_LIB_CTX* context, const std::string& uri,
                             int expected = OSSL_STORE_INFO_PKEY) {
    const Loaded loaded = LoadAll(context, uri, expected);
    EXPECT_TRUE(loaded.failed) << uri;
    return TakeError();
  }

  void Expect(Reason reason, const std::string& uri, const std::string& sentence,
              int expected = OSSL_STORE_INFO_PKEY) const {
    const QueuedError error = ErrorOf(context(), uri, expected);
    EXPECT_EQ(error.reason, static_cast<int>(reason)) << uri << ": " << error.sentence;
    EXPECT_THAT(error.sentence, HasSubstr(sentence)) << uri;
  }

  // A context whose settings have `pin` in their file.
  std::unique_ptr<OpensslContext> WithPin(const std::string& pin) const {
    EXPECT_TRUE(WriteFile(dir_.File("other-pin"), pin).ok());
    return std::make_unique<OpensslContext>(SettingsWithPin(dir_.File("other-pin")));
  }
};

TEST_F(ErrorsTest, UriThatDoesNotParse) {
  for (const char* uri : {"pkcs11:object=%zz", "pkcs11:object=rsa;type=elephant",
                          "pkcs11:what=ever", "pkcs11:object=rsa?module-path=relative.so",
                          "pkcs11:object=rsa?pin-value=1&pin-source=/x"}) {
    const QueuedError error = ErrorOf(context(), uri);
    EXPECT_EQ(error.reason, static_cast<int>(Reason::kUriInvalid)) << uri << error.sentence;
    // It may hold a PIN.
    EXPECT_THAT(error.sentence, Not(HasSubstr(uri)));
  }
}

TEST_F(ErrorsTest, MissingToken) {
  Expect(Reason::kTokenNotFound, "pkcs11:token=nowhere;object=rsa", "keyward-test");
}

TEST_F(ErrorsTest, MissingObject) {
  Expect(Reason::kObjectNotFound, "pkcs11:object=nobody", "no private key");
  Expect(Reason::kObjectNotFound, "pkcs11:object=rsa;id=%02", "no private key");
  Expect(Reason::kObjectNotFound, "pkcs11:object=nobody;type=cert", "no certificate", 0);
}

TEST_F(ErrorsTest, ObjectOfTheWrongType) {
  Expect(Reason::kObjectWrongType, "pkcs11:object=rsa;type=public", "a private key is needed");
  Expect(Reason::kObjectWrongType, "pkcs11:object=rsa", "is not a certificate",
         OSSL_STORE_INFO_CERT);
  Pkcs11Tool({"--keygen", "--key-type", "AES:32", "--label", "aes", "--id", "09"});
  Expect(Reason::kObjectWrongType, "pkcs11:object=aes", "is not a private key");
}

TEST_F(ErrorsTest, TwoObjectsThatMatch) {
  Pkcs11Tool({"--keypairgen", "--key-type", "EC:prime256v1", "--label", "ec", "--id", "07"});
  Expect(Reason::kObjectAmbiguous, "pkcs11:object=ec", "2 objects match");
  EXPECT_NE(LoadPrivateKey(context(), "pkcs11:object=ec;id=%07"), nullptr);
}

TEST_F(ErrorsTest, TwoTokensThatMatch) {
  softhsm_.InitToken("second");
  const OpensslContext context(absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule,
                                            "\npin-source = ", dir_.File("pin"), "\n"));
  EXPECT_EQ(ErrorOf(context.get(), "pkcs11:object=rsa").reason,
            static_cast<int>(Reason::kTokenAmbiguous));
  EXPECT_NE(LoadPrivateKey(context.get(), "pkcs11:token=keyward-test;object=rsa"), nullptr);
}

TEST_F(ErrorsTest, WrongPin) {
  const auto context = WithPin("not-the-pin");
  const QueuedError error = ErrorOf(context->get(), "pkcs11:object=rsa");
  EXPECT_EQ(error.reason, static_cast<int>(Reason::kPinRefused));
  EXPECT_EQ(error.reason_text, "PIN refused");
  EXPECT_THAT(error.sentence, HasSubstr("CKR_PIN_INCORRECT"));
  EXPECT_THAT(error.sentence, HasSubstr(dir_.File("other-pin")));
  EXPECT_THAT(error.sentence, Not(HasSubstr("not-the-pin")));
}

// SoftHSM leaves errors of its own use of OpenSSL, which would hide ours.
TEST_F(ErrorsTest, LeavesNoErrorsOfTheModuleOnTheQueue) {
  const auto context = WithPin("not-the-pin");
  EXPECT_TRUE(LoadAll(context->get(), "pkcs11:object=rsa").failed);
  while (const auto code = ERR_get_error()) {
    const char* library = ERR_lib_error_string(code);
    EXPECT_STRNE(library, "Provider routines") << ERR_reason_error_string(code);
    EXPECT_STRNE(library, "engine routines") << ERR_reason_error_string(code);
  }
}

// Each attempt counts towards a lock.
TEST_F(ErrorsTest, TriesAWrongPinOnceInTheProcess) {
  const auto context = WithPin("not-the-pin");
  EXPECT_THAT(ErrorOf(context->get(), "pkcs11:object=rsa").sentence, HasSubstr("CKR_PIN"));
  EXPECT_THAT(ErrorOf(context->get(), "pkcs11:object=rsa").sentence, HasSubstr("before"));
  const auto again = WithPin("not-the-pin");
  EXPECT_THAT(ErrorOf(again->get(), "pkcs11:object=rsa").sentence, HasSubstr("before"));
  const auto right = WithPin(testing::kUserPin);
  EXPECT_NE(LoadPrivateKey(right->get(), "pkcs11:object=rsa"), nullptr);
}

// The token does not check a PIN while somebody is logged in.
TEST_F(ErrorsTest, WrongPinWhileTheTokenIsOpen) {
  EXPECT_NE(LoadPrivateKey(context(), "pkcs11:object=rsa"), nullptr);
  Expect(Reason::kPinRefused, "pkcs11:object=rsa?pin-value=not-the-pin", "is not the one");
}

TEST_F(ErrorsTest, NoPin) {
  const OpensslContext context(absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule, "\n"));
  const QueuedError error = ErrorOf(context.get(), "pkcs11:object=rsa");
  EXPECT_EQ(error.reason, static_cast<int>(Reason::kPinNeeded));
  EXPECT_THAT(error.sentence, HasSubstr("pin-source"));
}

TEST_F(ErrorsTest, PinThatCannotBeRead) {
  Expect(Reason::kPinUnreadable, "pkcs11:object=rsa?pin-source=file:/nowhere/pin", "/nowhere/pin");
  EXPECT_TRUE(WriteFile(dir_.File("empty"), "\n").ok());
  Expect(Reason::kPinUnreadable, "pkcs11:object=rsa?pin-source=" + dir_.File("empty"), "empty");
}

TEST_F(ErrorsTest, NoModule) {
  const OpensslContext bare("");
  EXPECT_EQ(ErrorOf(bare.get(), "pkcs11:object=rsa").reason,
            static_cast<int>(Reason::kConfigurationInvalid));
  Expect(Reason::kModuleNotLoaded, "pkcs11:object=rsa?module-path=/nowhere.so", "/nowhere.so");
  // A library, but no PKCS#11 module.
  Dl_info libcrypto{};
  ASSERT_NE(dladdr(reinterpret_cast<const void*>(&EVP_PKEY_eq), &libcrypto), 0);
  Expect(Reason::kModuleNotLoaded, absl::StrCat("pkcs11:?module-path=", libcrypto.dli_fname),
         "C_GetFunctionList");
}

TEST_F(ErrorsTest, TokenSettingThatIsNoUri) {
  const OpensslContext context(
      absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule, "\ntoken = pkcs11:token=%zz\n"));
  EXPECT_EQ(ErrorOf(context.get(), "pkcs11:object=rsa").reason,
            static_cast<int>(Reason::kConfigurationInvalid));
}

}  // namespace
}  // namespace keyward::provider
