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

}  // namespace
}  // namespace keyward::pkcs11
