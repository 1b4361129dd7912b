// What is wrong with a URI, a token or a PIN: each an error of its own.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
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
    return std::make_unique<OpensslContext>(SettingsWithPin(WritePin("other-pin", pin)));
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
  // Corrected, but not well; then once more.
  EXPECT_THAT(ErrorOf(WithPin("nor-this")->get(), "pkcs11:object=rsa").sentence,
              HasSubstr("CKR_PIN"));
  EXPECT_THAT(ErrorOf(WithPin("not-the-pin")->get(), "pkcs11:object=rsa").sentence,
              HasSubstr("before"));
  const auto right = WithPin(testing::kUserPin);
  EXPECT_NE(LoadPrivateKey(right->get(), "pkcs11:object=rsa"), nullptr);
}

// Neither another nor the right one, until an operator acts.
TEST_F(ErrorsTest, TriesNoUrisPinAfterOneThatWasWrong) {
  const std::string uri = "pkcs11:object=rsa?pin-value=";
  Expect(Reason::kPinRefused, uri + "not-the-pin", "CKR_PIN_INCORRECT");
  Expect(Reason::kPinRefused, uri + "nor-this", "is not tried");
  Expect(Reason::kPinRefused, uri + testing::kUserPin, "is not tried");
  Expect(Reason::kPinRefused, "pkcs11:object=rsa?pin-source=" + WritePin("other", "x-y-z"),
         "is not tried");
  Expect(Reason::kPinRefused, "pkcs11:object=rsa", "is not tried");
}

// The token does not check a PIN while somebody is logged in.
TEST_F(ErrorsTest, WrongPinWhileTheTokenIsOpen) {
  EXPECT_NE(LoadPrivateKey(context(), "pkcs11:object=rsa"), nullptr);
  const std::string right = absl::StrCat("pkcs11:object=rsa?pin-value=", testing::kUserPin);
  EXPECT_NE(LoadPrivateKey(context(), right), nullptr);
  Expect(Reason::kPinRefused, "pkcs11:object=rsa?pin-value=not-the-pin", "is not the one");
  // The right one cannot be found out by trying.
  Expect(Reason::kPinRefused, right, "is not looked at");
  Expect(Reason::kPinRefused, "pkcs11:object=rsa?pin-source=" + WritePin("same", testing::kUserPin),
         "is not looked at");
  EXPECT_NE(LoadPrivateKey(context(), "pkcs11:object=rsa"), nullptr);
}

TEST_F(ErrorsTest, KeepsNoPinThatTheTokenHasNotChecked) {
  // Loads the module.
  EXPECT_TRUE(LoadAll(context(), "pkcs11:token=nowhere").failed);
  CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
  ASSERT_EQ(Softhsm().C_OpenSession(Slot(), CKF_SERIAL_SESSION, nullptr, nullptr, &session),
            CKR_OK);
  std::string pin = testing::kUserPin;
  ASSERT_EQ(Softhsm().C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR_PTR>(pin.data()),
                              pin.size()),
            CKR_OK);
  const auto wrong = WithPin("not-the-pin");
  EXPECT_NE(LoadPrivateKey(wrong->get(), "pkcs11:object=rsa"), nullptr);
  EXPECT_NE(LoadPrivateKey(context(), "pkcs11:object=rsa"), nullptr);
  ASSERT_EQ(Softhsm().C_Logout(session), CKR_OK);
  EXPECT_THAT(ErrorOf(wrong->get(), "pkcs11:object=rsa").sentence, HasSubstr("CKR_PIN_INCORRECT"));
  EXPECT_EQ(Softhsm().C_CloseSession(session), CKR_OK);
}

TEST_F(ErrorsTest, NoPin) {
  const OpensslContext context(absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule, "\n"));
  const QueuedError error = ErrorOf(context.get(), "pkcs11:object=rsa");
  EXPECT_EQ(error.reason, static_cast<int>(Reason::kPinNeeded));
  EXPECT_THAT(error.sentence, HasSubstr("pin-source"));
}

TEST_F(ErrorsTest, PinThatCannotBeRead) {
  Expect(Reason::kPinUnreadable, "pkcs11:object=rsa?pin-source=file:/nowhere/pin", "/nowhere/pin");
  const std::string uri = "pkcs11:object=rsa?pin-source=";
  Expect(Reason::kPinUnreadable, uri + WritePin("empty", "\n"), "empty");
  Expect(Reason::kPinUnreadable, uri + WritePin("long", std::string(256, '1')), "more than a PIN");
  // Nobody writes into it.
  ASSERT_EQ(mkfifo(dir_.File("fifo").c_str(), 0600), 0);
  Expect(Reason::kPinUnreadable, uri + dir_.File("fifo"), "no regular file");
}

// A server's group may read it, so that its workers can.
TEST_F(ErrorsTest, PinThatAnyUserCanRead) {
  const std::string file = WritePin("open", testing::kUserPin);
  const std::string uri = "pkcs11:object=rsa?pin-source=" + file;
  for (const mode_t mode : {0604, 0602, 0620}) {
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    Expect(Reason::kPinUnreadable, uri, "others than its owner");
  }
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  EXPECT_NE(LoadPrivateKey(context(), uri), nullptr) << TakeError().sentence;
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
