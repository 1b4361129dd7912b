#include "keystore/pkcs11/token_signer.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "common/rsa_public_key.h"
#include "keystore/pkcs11/ck_error.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::pkcs11 {
namespace {

class TokenSignerTest : public TokenTest {};

TEST_F(TokenSignerTest, OpensslVerifiesWhatEitherMechanismSigns) {
  auto pool = OpenPool();
  TokenKeyPair pair;
  const std::string key_id = MakeKey(*pool, &pair);
  const EvpPkeyPtr public_key = *MakeRsaPublicKey(pair.modulus, pair.public_exponent);
  auto lease = pool->Take(Soon());
  ASSERT_TRUE(lease.ok());
  for (const Rs256Mechanism mechanism :
       {Rs256Mechanism::kDigestInfo, Rs256Mechanism::kHashOnToken}) {
    const auto signature =
        SignRs256(lease->session(), mechanism, *lease->FindKey(key_id), "header.payload", 256);
    ASSERT_TRUE(signature.ok()) << signature.status();
    EXPECT_TRUE(VerifyRs256(*public_key, "header.payload", *signature).ok());
    EXPECT_FALSE(VerifyRs256(*public_key, "header.payloae", *signature).ok());
  }
}

TEST_F(TokenSignerTest, AHandleThatIsNoKeyIsAnError) {
  auto pool = OpenPool();
  auto lease = pool->Take(Soon());
  const auto signature = SignRs256(lease->session(), lease->rs256(), 987654, "message", 256);
  EXPECT_TRUE(IsSessionFatal(signature.status())) << signature.status();
}

TEST_F(TokenSignerTest, ASignatureOfAnotherLengthIsAnErrorThatEndsTheSession) {
  auto pool = OpenPool();
  const std::string key_id = MakeKey(*pool);
  auto lease = pool->Take(Soon());
  const CK_OBJECT_HANDLE key = *lease->FindKey(key_id);
  EXPECT_TRUE(
      IsSessionFatal(SignRs256(lease->session(), lease->rs256(), key, "message", 128).status()));
  const auto longer = SignRs256(lease->session(), lease->rs256(), key, "message", 512);
  EXPECT_FALSE(longer.ok());
}

TEST_F(TokenSignerTest, ThreadsSignAtOnce) {
  auto pool = OpenPool({.size = 4});
  TokenKeyPair pair;
  const std::string key_id = MakeKey(*pool, &pair);
  const EvpPkeyPtr public_key = *MakeRsaPublicKey(pair.modulus, pair.public_exponent);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 10; ++j) {
        const std::string message = std::to_string(i) + "." + std::to_string(j);
        auto lease = pool->Take(Soon());
        ASSERT_TRUE(lease.ok()) << lease.status();
        const auto signature =
            SignRs256(lease->session(), lease->rs256(), *lease->FindKey(key_id), message, 256);
        ASSERT_TRUE(signature.ok()) << signature.status();
        EXPECT_TRUE(VerifyRs256(*public_key, message, *signature).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace keyward::pkcs11
