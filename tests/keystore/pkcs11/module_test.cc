#include "keystore/pkcs11/module.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/openssl.h"
#include "keystore/pkcs11/session.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/testing/softhsm.h"

namespace keyward::pkcs11 {
namespace {

using ::keyward::testing::kSoftHsmModule;
using ::keyward::testing::SoftHsm;

TokenUri Uri(const std::string& text) { return *TokenUri::Parse(text); }

TEST(ModuleTest, APathThatIsNotThereIsNamed) {
  const auto module = Module::Load("/no/such/module.so");
  EXPECT_TRUE(absl::IsNotFound(module.status()));
  EXPECT_TRUE(absl::StrContains(module.status().message(), "/no/such/module.so"));
}

TEST(ModuleTest, ALibraryThatIsNoModuleIsRefused) {
  const auto module = Module::Load("libz.so.1");
  EXPECT_TRUE(absl::IsNotFound(module.status()));
  EXPECT_TRUE(absl::StrContains(module.status().message(), "not a PKCS#11 module"))
      << module.status();
}

TEST(ModuleTest, FindsTheTokenOfAUri) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  softhsm.InitToken("two");
  const auto module = Module::Load(kSoftHsmModule);
  ASSERT_TRUE(module.ok()) << module.status();
  const auto one = (*module)->FindToken(Uri("pkcs11:token=one"));
  const auto two = (*module)->FindToken(Uri("pkcs11:token=two"));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(*one, *two);
}

TEST(ModuleTest, SaysWhichTokensThereAre) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  const auto module = Module::Load(kSoftHsmModule);
  const auto slot = (*module)->FindToken(Uri("pkcs11:token=absent"));
  EXPECT_TRUE(absl::IsNotFound(slot.status()));
  EXPECT_TRUE(absl::StrContains(slot.status().message(), "one")) << slot.status();
}

TEST(ModuleTest, TwoTokensThatMatchAreRefused) {
  SoftHsm softhsm;
  softhsm.InitToken("same");
  softhsm.InitToken("same");
  const auto module = Module::Load(kSoftHsmModule);
  const auto slot = (*module)->FindToken(Uri("pkcs11:token=same"));
  EXPECT_TRUE(absl::IsFailedPrecondition(slot.status()));
  EXPECT_TRUE(absl::StrContains(slot.status().message(), "serial")) << slot.status();
}

TEST(ModuleTest, LoadsAndUnloadsManyTimes) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  for (int i = 0; i < 20; ++i) {
    const auto module = Module::Load(kSoftHsmModule);
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_TRUE((*module)->FindToken(Uri("pkcs11:token=one")).ok());
  }
}

TEST(ModuleTest, FindsTheTokenOfAnObjectsUriAndDoesNotRepeatIt) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  softhsm.InitToken("two");
  const auto module = Module::Load(kSoftHsmModule);
  const auto find = [&](const std::string& text) {
    return (*module)->FindToken(*ObjectUri::Parse(text));
  };
  EXPECT_EQ(*find("pkcs11:token=two;object=key;type=private"),
            *(*module)->FindToken(Uri("pkcs11:token=two")));
  const absl::Status none = find("pkcs11:token=three?pin-value=4711").status();
  EXPECT_TRUE(absl::IsNotFound(none)) << none;
  EXPECT_FALSE(absl::StrContains(none.message(), "4711")) << none;
  EXPECT_TRUE(absl::IsFailedPrecondition(find("pkcs11:object=key").status())) << "two tokens";
}

TEST(ModuleTest, LookingForATokenClosesNoSession) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  softhsm.InitToken("two");
  const auto module = Module::Load(kSoftHsmModule);
  const auto one = (*module)->FindToken(Uri("pkcs11:token=one"));
  ASSERT_TRUE(one.ok()) << one.status();
  auto session = Session::Open((*module)->functions(), *one, Session::Mode::kReadWrite);
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_TRUE((*module)->FindToken(Uri("pkcs11:token=two")).ok());
  EXPECT_TRUE((*module)->FindToken(Uri("pkcs11:token=one")).ok());
  CK_SESSION_INFO info{};
  EXPECT_EQ((*module)->functions().C_GetSessionInfo(session->handle(), &info), CKR_OK);
}

// Somebody else in the process who uses the module directly.
class OtherUser {
 public:
  OtherUser() : library_(dlopen(kSoftHsmModule, RTLD_NOW | RTLD_LOCAL)) {
    reinterpret_cast<CK_C_GetFunctionList>(dlsym(library_, "C_GetFunctionList"))(&functions_);
  }
  ~OtherUser() { dlclose(library_); }
  CK_FUNCTION_LIST* operator->() const { return functions_; }

 private:
  void* library_;
  CK_FUNCTION_LIST* functions_ = nullptr;
};

TEST(ModuleTest, LeavesAModuleAloneThatSomebodyElseInitialised) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  const OtherUser other;
  ASSERT_EQ(other->C_Initialize(nullptr), CKR_OK);
  CK_SESSION_HANDLE theirs = CK_INVALID_HANDLE;
  CK_SESSION_INFO info{};
  {
    const auto module = Module::Load(kSoftHsmModule);
    ASSERT_TRUE(module.ok()) << module.status();
    EXPECT_TRUE((*module)->borrowed());
    CK_SLOT_ID slot = *(*module)->FindToken(Uri("pkcs11:token=one"));
    ASSERT_EQ(other->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &theirs), CKR_OK);
    EXPECT_EQ(*(*module)->FindToken(Uri("pkcs11:token=one")), slot);
    EXPECT_TRUE(Session::Open((*module)->functions(), slot, Session::Mode::kReadOnly).ok());
  }
  EXPECT_EQ(other->C_GetSessionInfo(theirs, &info), CKR_OK) << "their session must go on";
  EXPECT_EQ(other->C_Finalize(nullptr), CKR_OK);
}

TEST(ModuleTest, TheSecondOfOneFileBorrowsFromTheFirst) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  const auto first = Module::Load(kSoftHsmModule);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE((*first)->borrowed());
  {
    const auto second = Module::Load(kSoftHsmModule);
    ASSERT_TRUE(second.ok()) << second.status();
    EXPECT_TRUE((*second)->borrowed());
  }
  EXPECT_TRUE((*first)->FindToken(Uri("pkcs11:token=one")).ok());
}

TEST(ModuleTest, IsFinalisedWhereItIsOurs) {
  SoftHsm softhsm;
  softhsm.InitToken("one");
  const OtherUser other;
  ASSERT_TRUE(Module::Load(kSoftHsmModule).ok());
  ASSERT_EQ(other->C_Initialize(nullptr), CKR_OK) << "it was left initialised";
  EXPECT_EQ(other->C_Finalize(nullptr), CKR_OK);
}

class TokenLoginTest : public TokenTest {};

TEST_F(TokenLoginTest, AWrongPinIsTriedOnceAndItsSourceNamed) {
  int reads = 0;
  const auto token = Token::New(OptionsFor(kSoftHsmModule, "wrong-pin-4711", &reads));
  EXPECT_TRUE(absl::IsFailedPrecondition(token.status())) << token.status();
  EXPECT_EQ(reads, 1);
  EXPECT_TRUE(absl::StrContains(token.status().message(), "file /test/pin"));
  EXPECT_TRUE(absl::StrContains(token.status().message(), "CKR_PIN_INCORRECT"));
  EXPECT_FALSE(absl::StrContains(token.status().message(), "4711"));
}

}  // namespace
}  // namespace keyward::pkcs11
