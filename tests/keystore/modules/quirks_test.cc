#include "keystore/pkcs11/quirks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/string_view.h"
#include "keystore/pkcs11/module.h"
#include "tests/keystore/modules/test_module.h"
#include "tests/testing/softhsm.h"

namespace keyward::pkcs11 {
namespace {

void Fill(absl::string_view text, absl::Span<CK_UTF8CHAR> field) {
  std::fill(field.begin(), field.end(), ' ');
  std::copy(text.begin(), text.end(), field.begin());
}

CK_INFO InfoOf(absl::string_view manufacturer, absl::string_view description) {
  CK_INFO info{};
  Fill(manufacturer, absl::MakeSpan(info.manufacturerID));
  Fill(description, absl::MakeSpan(info.libraryDescription));
  return info;
}

TEST(QuirksTest, KnowsOpenCryptokiByBothItsNames) {
  EXPECT_STREQ(QuirksOf(InfoOf("IBM", "Meta PKCS11 LIBRARY")).keep_loaded, "libitm.so.1");
  EXPECT_EQ(QuirksOf(InfoOf("IBM", "another library")).keep_loaded, nullptr);
  EXPECT_EQ(QuirksOf(InfoOf("IBM2", "Meta PKCS11 LIBRARY")).keep_loaded, nullptr);
  EXPECT_EQ(QuirksOf(InfoOf("SoftHSM", "Implementation of PKCS11")).keep_loaded, nullptr);
  EXPECT_EQ(QuirksOf(CK_INFO{}).keep_loaded, nullptr);
}

// Without its quirk the second of these crashes the process.
TEST(QuirksTest, OpenCryptokiCanBeLoadedAgain) {
  const auto served = StartOpenCryptoki();
  if (absl::IsUnavailable(served.status())) GTEST_SKIP() << served.status().message();
  ASSERT_TRUE(served.ok()) << served.status();
  for (int i = 0; i < 3; ++i) {
    const auto module = Module::Load((*served)->path());
    ASSERT_TRUE(module.ok()) << module.status();
    CK_INFO info{};
    ASSERT_EQ((*module)->functions().C_GetInfo(&info), CKR_OK);
    EXPECT_NE(QuirksOf(info).keep_loaded, nullptr) << "it calls itself something else now";
  }
}

// Without it, calls answer CKR_CRYPTOKI_NOT_INITIALIZED.
TEST(QuirksTest, P11KitsClientIsInitialisedForUsToo) {
  const auto served = StartP11Kit();
  ASSERT_TRUE(served.ok()) << served.status();
  const auto module = Module::Load((*served)->path());
  ASSERT_TRUE(module.ok()) << module.status();
  CK_INFO info{};
  EXPECT_EQ((*module)->functions().C_GetInfo(&info), CKR_OK);
}

TEST(QuirksTest, AModuleThatIsInitialisedIsLeftAlone) {
  const testing::SoftHsm softhsm;
  const auto module = Module::Load(testing::kSoftHsmModule);
  ASSERT_TRUE(module.ok()) << module.status();
  const auto instance = InitialiseOwnInstance((*module)->functions());
  ASSERT_TRUE(instance.ok()) << instance.status();
  EXPECT_EQ(*instance, nullptr);
}

}  // namespace
}  // namespace keyward::pkcs11
