#include "keystore/pkcs11/key_attributes.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

class KeyAttributesTest : public TokenTest {
 protected:
  absl::Status CheckOdd(const OddKey& odd) {
    auto pool = OpenPool();
    auto lease = pool->TakeForAdministration(Soon());
    return CheckPrivateKey(lease->session(), MakeOddKey(lease->session(), "id", odd), {});
  }
};

TEST_F(KeyAttributesTest, AcceptsAProtectedKey) { EXPECT_TRUE(CheckOdd({}).ok()); }

TEST_F(KeyAttributesTest, NamesEveryAttributeThatIsWrong) {
  const absl::Status status = CheckOdd({.sensitive = CK_FALSE, .extractable = CK_TRUE});
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  for (const char* wrong : {"CKA_SENSITIVE is false", "CKA_ALWAYS_SENSITIVE is false",
                            "CKA_EXTRACTABLE is true", "CKA_NEVER_EXTRACTABLE is false"}) {
    EXPECT_TRUE(absl::StrContains(status.message(), wrong)) << status.message();
  }
}

TEST_F(KeyAttributesTest, RefusesAKeyThatWasOnceExtractable) {
  auto pool = OpenPool();
  auto lease = pool->TakeForAdministration(Soon());
  const CK_OBJECT_HANDLE key =
      MakeOddKey(lease->session(), "id", {.sensitive = CK_TRUE, .extractable = CK_TRUE});
  CK_BBOOL no = CK_FALSE;
  CK_ATTRIBUTE hide = {CKA_EXTRACTABLE, &no, 1};
  ASSERT_EQ(
      lease->session().functions().C_SetAttributeValue(lease->session().handle(), key, &hide, 1),
      CKR_OK);
  const absl::Status status = CheckPrivateKey(lease->session(), key, {});
  EXPECT_TRUE(absl::StrContains(status.message(), "CKA_NEVER_EXTRACTABLE is false")) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), "CKA_EXTRACTABLE is true")) << status;
}

TEST_F(KeyAttributesTest, RefusesShortKeysAndKeysThatDoNotSign) {
  EXPECT_TRUE(absl::StrContains(CheckOdd({.bits = 1024}).message(), "2048 bits"));
  EXPECT_TRUE(absl::StrContains(CheckOdd({.sign = CK_FALSE}).message(), "CKA_SIGN is false"));
}

TEST_F(KeyAttributesTest, OursMayDoNothingButSign) {
  auto pool = OpenPool();
  auto lease = pool->TakeForAdministration(Soon());
  const CK_OBJECT_HANDLE key = MakeOddKey(lease->session(), "id", {.decrypt = CK_TRUE});
  EXPECT_TRUE(CheckPrivateKey(lease->session(), key, {}).ok());
  EXPECT_TRUE(
      absl::StrContains(CheckGeneratedKey(lease->session(), key).message(), "CKA_DECRYPT is true"));
}

TEST_F(KeyAttributesTest, AnImportedKeyNeedsTheSwitch) {
  testing::TempDir dir;
  ASSERT_EQ(testing::Run({"openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
                          "rsa_keygen_bits:2048", "-out", dir.File("key.pem")})
                .exit_code,
            0);
  ASSERT_EQ(testing::Run({"softhsm2-util", "--import", dir.File("key.pem"), "--token", kTokenLabel,
                          "--label", "imported", "--id", "aa", "--pin", testing::kUserPin})
                .exit_code,
            0);
  auto pool = OpenPool();
  auto lease = pool->TakeForAdministration(Soon());
  const auto keys = FindObjectsById(lease->session(), CKO_PRIVATE_KEY, "\xaa");
  ASSERT_EQ(keys->size(), 1U);
  const absl::Status strict = CheckPrivateKey(lease->session(), keys->front(), {});
  EXPECT_TRUE(absl::StrContains(strict.message(), "CKA_LOCAL is false")) << strict;
  // An import also loses "always sensitive", which no switch forgives.
  const absl::Status imported =
      CheckPrivateKey(lease->session(), keys->front(), {.allow_imported = true});
  EXPECT_FALSE(absl::StrContains(imported.message(), "CKA_LOCAL")) << imported;
  EXPECT_TRUE(absl::StrContains(imported.message(), "CKA_NEVER_EXTRACTABLE is false")) << imported;
}

TEST_F(KeyAttributesTest, AnEcKeyIsRefusedBeforeAnythingElse) {
  ASSERT_EQ(testing::Run({"pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label",
                          kTokenLabel, "--login", "--pin", testing::kUserPin, "--keypairgen",
                          "--key-type", "EC:prime256v1", "--id", "bb"})
                .exit_code,
            0);
  auto pool = OpenPool();
  auto lease = pool->TakeForAdministration(Soon());
  const auto keys = FindObjectsById(lease->session(), CKO_PRIVATE_KEY, "\xbb");
  ASSERT_EQ(keys->size(), 1U);
  EXPECT_TRUE(absl::StrContains(CheckPrivateKey(lease->session(), keys->front(), {}).message(),
                                "not an RSA private key"));
}

}  // namespace
}  // namespace keyward::pkcs11
