#include "keystore/pkcs11/module.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
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
