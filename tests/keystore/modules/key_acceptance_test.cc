// What Keyward asks of a PKCS#11 module about keys, the same of every module.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rsa_public_key.h"
#include "keystore/certificate/self_signed_certificate.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/key_attributes.h"
#include "keystore/pkcs11/key_generator.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/modules/acceptance_fixture.h"

namespace keyward::pkcs11 {
namespace {

// An AES key that goes with the session; CK_INVALID_HANDLE where there is none to be
// had.
CK_OBJECT_HANDLE MakeWrappingKey(const Session& session) {
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ULONG bytes = 32;
  CK_ATTRIBUTE attributes[] = {{CKA_TOKEN, &no, sizeof(no)},
                               {CKA_WRAP, &yes, sizeof(yes)},
                               {CKA_ENCRYPT, &yes, sizeof(yes)},
                               {CKA_VALUE_LEN, &bytes, sizeof(bytes)}};
  CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  const CK_RV rv = session.functions().C_GenerateKey(session.handle(), &mechanism, attributes,
                                                     std::size(attributes), &key);
  return rv == CKR_OK ? key : CK_INVALID_HANDLE;
}

TEST_P(AcceptanceTest, GeneratesAKeyThatCanDoNothingButSign) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  EXPECT_EQ(key.modulus.size(), kKeyBits / 8);
  auto lease = pool_->TakeForAdministration(Soon());
  const auto handle = lease->FindKey(key.id);
  ASSERT_TRUE(handle.ok()) << handle.status();
  const absl::Status checked = CheckGeneratedKey(lease->session(), *handle);
  EXPECT_TRUE(checked.ok()) << checked;
}

TEST_P(AcceptanceTest, LabelAndIdReadBackFromBothHalves) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  auto lease = pool_->TakeForAdministration(Soon());
  const auto objects = FindObjectsById(lease->session(), key.id);
  ASSERT_TRUE(objects.ok()) << objects.status();
  EXPECT_EQ(objects->size(), 2U);
  for (const CK_OBJECT_HANDLE object : *objects) {
    EXPECT_EQ(ReadBytes(lease->session(), object, CKA_ID).value_or("none"), key.id);
    EXPECT_EQ(ReadBytes(lease->session(), object, CKA_LABEL).value_or("none"), key.label);
    EXPECT_EQ(ReadBytes(lease->session(), object, CKA_MODULUS).value_or("none"), key.modulus);
  }
}

TEST_P(AcceptanceTest, ThePrivateNumbersDoNotComeOut) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  auto lease = pool_->TakeForAdministration(Soon());
  const auto handle = lease->FindKey(key.id);
  ASSERT_TRUE(handle.ok()) << handle.status();
  for (const CK_ATTRIBUTE_TYPE secret : {CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2,
                                         CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT}) {
    EXPECT_FALSE(ReadBytes(lease->session(), *handle, secret).ok())
        << absl::StrCat(absl::Hex(secret));
  }
}

TEST_P(AcceptanceTest, IsNotWrapped) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  auto lease = pool_->TakeForAdministration(Soon());
  const auto handle = lease->FindKey(key.id);
  ASSERT_TRUE(handle.ok()) << handle.status();
  const Session& session = lease->session();
  const CK_OBJECT_HANDLE wrapping = MakeWrappingKey(session);
  if (wrapping == CK_INVALID_HANDLE) GTEST_SKIP() << "the token makes no AES keys that wrap";
  CK_BYTE iv[16] = {};
  CK_MECHANISM mechanisms[] = {{CKM_AES_CBC_PAD, iv, sizeof(iv)},
                               {CKM_AES_KEY_WRAP_PAD, nullptr, 0},
                               {CKM_AES_KEY_WRAP, nullptr, 0}};
  for (CK_MECHANISM& mechanism : mechanisms) {
    CK_BYTE wrapped[4096];
    CK_ULONG length = sizeof(wrapped);
    EXPECT_NE(session.functions().C_WrapKey(session.handle(), &mechanism, wrapping, *handle,
                                            wrapped, &length),
              CKR_OK)
        << absl::StrCat(absl::Hex(mechanism.mechanism));
  }
}

TEST_P(AcceptanceTest, ProtectionCannotBeTakenBack) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  auto lease = pool_->TakeForAdministration(Soon());
  const auto handle = lease->FindKey(key.id);
  ASSERT_TRUE(handle.ok()) << handle.status();
  const Session& session = lease->session();
  for (auto [type, value] : std::map<CK_ATTRIBUTE_TYPE, CK_BBOOL>{
           {CKA_EXTRACTABLE, CK_TRUE}, {CKA_SENSITIVE, CK_FALSE}, {CKA_LOCAL, CK_FALSE}}) {
    CK_ATTRIBUTE weaker = {type, &value, sizeof(value)};
    EXPECT_NE(session.functions().C_SetAttributeValue(session.handle(), *handle, &weaker, 1),
              CKR_OK)
        << absl::StrCat(absl::Hex(type));
  }
  const absl::Status checked = CheckGeneratedKey(session, *handle);
  EXPECT_TRUE(checked.ok()) << checked;
}

TEST_P(AcceptanceTest, FindsAPairByItsIdAlone) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  auto lease = pool_->TakeForAdministration(Soon());
  const auto found = FindRsaKeyPair(lease->session(), key.id);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->modulus, key.modulus);
  EXPECT_EQ(found->public_exponent, std::string("\x01\x00\x01", 3));
  EXPECT_EQ(FindObjectsById(lease->session(), CKO_PUBLIC_KEY, key.id)->size(), 1U);
  const std::string other = *NewKeyId();
  EXPECT_TRUE(absl::IsNotFound(FindRsaKeyPair(lease->session(), other).status()));
  EXPECT_TRUE(FindObjectsById(lease->session(), other)->empty());
}

TEST_P(AcceptanceTest, SignaturesVerify) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  const auto signature = Sign(key);
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_TRUE(VerifyRs256(*key.public_key, kMessage, *signature).ok());
  EXPECT_FALSE(VerifyRs256(*key.public_key, "another message", *signature).ok());
}

TEST_P(AcceptanceTest, KeepsACertificateBesideItsKey) {
  Key key;
  ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  // Whose certificates they are, a token does not ask.
  const EvpPkeyPtr ca(EVP_RSA_gen(kKeyBits));
  for (const char* name : {"the first", "the one in its place"}) {
    const auto issued =
        IssueSelfSignedCertificate({name, absl::Now(), absl::Hours(1)}, *ca, nullptr);
    auto lease = pool_->TakeForAdministration(Soon());
    const absl::Status stored = ReplaceCertificate(*lease, key.label, key.id, issued->der);
    ASSERT_TRUE(stored.ok()) << stored;
    EXPECT_THAT(*FindCertificates(lease->session(), key.id), ::testing::ElementsAre(issued->der));
  }
  EXPECT_TRUE(SignAndVerify(key).ok());
  auto lease = pool_->TakeForAdministration(Soon());
  ASSERT_TRUE(DestroyKeyPair(lease->session(), key.id).ok());
  EXPECT_THAT(*FindCertificates(lease->session(), key.id), ::testing::IsEmpty());
}

TEST_P(AcceptanceTest, TwoKeysSignAtOnceAndAreNotConfused) {
  Key keys[2];
  for (Key& key : keys) ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  EXPECT_NE(keys[0].modulus, keys[1].modulus);
  std::vector<std::thread> threads;
  for (const Key& key : keys) {
    threads.emplace_back([this, &key] {
      for (int i = 0; i < 10; ++i) {
        const absl::Status status = SignAndVerify(key);
        EXPECT_TRUE(status.ok()) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(AcceptanceTest, KeysAreThereWhenTheTokenIsOpenedAgain) {
  Key keys[2];
  for (Key& key : keys) ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  pool_.reset();
  ASSERT_NO_FATAL_FAILURE(OpenPool());
  const absl::Status set =
      pool_->SetKeys({{keys[0].id, keys[0].modulus}, {keys[1].id, keys[1].modulus}}, Soon());
  ASSERT_TRUE(set.ok()) << set;
  for (const Key& key : keys) {
    const absl::Status status = SignAndVerify(key);
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST_P(AcceptanceTest, DestroysOnePairAndNoOther) {
  Key keys[2];
  for (Key& key : keys) ASSERT_NO_FATAL_FAILURE(MakeKey(&key));
  {
    auto lease = pool_->TakeForAdministration(Soon());
    const absl::Status destroyed = DestroyKeyPair(lease->session(), keys[0].id);
    ASSERT_TRUE(destroyed.ok()) << destroyed;
    EXPECT_TRUE(absl::IsNotFound(FindRsaKeyPair(lease->session(), keys[0].id).status()));
  }
  EXPECT_TRUE(SignAndVerify(keys[1]).ok());
  EXPECT_TRUE(IsSessionFatal(Sign(keys[0]).status())) << "its handle is stale";
  EXPECT_TRUE(absl::IsNotFound(Sign(keys[0]).status()));
  EXPECT_TRUE(SignAndVerify(keys[1]).ok());
}

}  // namespace
}  // namespace keyward::pkcs11
