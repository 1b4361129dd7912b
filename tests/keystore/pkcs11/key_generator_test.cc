#include "keystore/pkcs11/key_generator.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "keystore/pkcs11/key_attributes.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

class KeyGeneratorTest : public TokenTest {
 protected:
  // What OpenSC's command says, which knows nothing of us.
  testing::Finished Pkcs11Tool(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(),
                     {"pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label",
                      kTokenLabel, "--login", "--pin", testing::kUserPin});
    return testing::Run(arguments);
  }
};

TEST_F(KeyGeneratorTest, AnotherToolSeesTheKeyAsWeMeantIt) {
  auto pool = OpenPool();
  const std::string key_id = MakeKey(*pool);
  const testing::Finished seen =
      Pkcs11Tool({"--list-objects", "--type", "privkey", "--id", absl::BytesToHexString(key_id)});
  EXPECT_EQ(seen.exit_code, 0) << seen.err;
  EXPECT_TRUE(absl::StrContains(seen.out, "keyward/acme/1")) << seen.out;
  EXPECT_TRUE(absl::StrContains(seen.out, "sensitive, always sensitive, never extractable, local"))
      << seen.out;
  EXPECT_TRUE(absl::StrContains(seen.out, "Usage:      sign\n")) << seen.out;
}

TEST_F(KeyGeneratorTest, ThePrivateExponentDoesNotCome) {
  auto pool = OpenPool();
  const std::string key_id = MakeKey(*pool);
  auto lease = pool->TakeForAdministration(Soon());
  const auto handle = lease->FindKey(key_id);
  ASSERT_TRUE(handle.ok());
  EXPECT_FALSE(ReadBytes(lease->session(), *handle, CKA_PRIVATE_EXPONENT).ok());
}

TEST_F(KeyGeneratorTest, FindsThePairAgain) {
  auto pool = OpenPool();
  TokenKeyPair made;
  const std::string key_id = MakeKey(*pool, &made);
  auto lease = pool->TakeForAdministration(Soon());
  const auto found = FindRsaKeyPair(lease->session(), key_id);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->modulus, made.modulus);
  EXPECT_EQ(found->modulus.size(), 256U);
  EXPECT_EQ(found->public_exponent, std::string("\x01\x00\x01", 3));
  EXPECT_TRUE(absl::IsNotFound(FindRsaKeyPair(lease->session(), "another id").status()));
}

TEST_F(KeyGeneratorTest, DestroysEveryObjectOfThePairAndNoOther) {
  auto pool = OpenPool();
  const std::string first = MakeKey(*pool);
  const std::string second = MakeKey(*pool);
  auto lease = pool->TakeForAdministration(Soon());
  ASSERT_TRUE(DestroyKeyPair(lease->session(), first).ok());
  EXPECT_TRUE(FindObjectsById(lease->session(), first)->empty());
  EXPECT_EQ(FindObjectsById(lease->session(), second)->size(), 2U);
  EXPECT_TRUE(DestroyKeyPair(lease->session(), first).ok()) << "none there is no error";
}

TEST_F(KeyGeneratorTest, ASizeThatTheTokenRefusesIsAnErrorAndLeavesNothing) {
  auto pool = OpenPool();
  auto lease = pool->TakeForAdministration(Soon());
  EXPECT_FALSE(GenerateRsaKeyPair(lease->session(), "label", "id", 64).ok());
  EXPECT_FALSE(GenerateRsaKeyPair(lease->session(), "label", "id", 1024).ok())
      << "made, but refused by the check of what was made";
  EXPECT_TRUE(FindObjectsById(lease->session(), "id")->empty());
}

TEST_F(KeyGeneratorTest, DestroysNoObjectOfAnotherKindWithTheSameId) {
  auto pool = OpenPool();
  const std::string key_id = MakeKey(*pool);
  auto lease = pool->TakeForAdministration(Soon());
  const Session& session = lease->session();
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  CK_BBOOL yes = CK_TRUE;
  CK_ULONG bytes = 32;
  CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &object_class, sizeof(object_class)},
                               {CKA_KEY_TYPE, &type, sizeof(type)},
                               {CKA_TOKEN, &yes, sizeof(yes)},
                               {CKA_VALUE_LEN, &bytes, sizeof(bytes)},
                               {CKA_ID, const_cast<char*>(key_id.data()), key_id.size()}};
  CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE secret = CK_INVALID_HANDLE;
  ASSERT_EQ(session.functions().C_GenerateKey(session.handle(), &mechanism, attributes,
                                              std::size(attributes), &secret),
            CKR_OK);
  ASSERT_TRUE(DestroyKeyPair(session, key_id).ok());
  EXPECT_EQ(*FindObjectsById(session, key_id), std::vector<CK_OBJECT_HANDLE>{secret});
}

}  // namespace
}  // namespace keyward::pkcs11
