// libp11's own EVP_PKEY, which Keyward does not use, with a key of ours.
#include <gtest/gtest.h>
#include <libp11.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

#include "absl/types/span.h"
#include "common/rsa_public_key.h"
#include "tests/keystore/modules/other_tool_fixture.h"

namespace keyward::pkcs11 {
namespace {

constexpr char kMessage[] = "signed by libp11";

class Libp11Test : public OtherToolTest {
 protected:
  Libp11Test() : context_(PKCS11_CTX_new()) {}
  ~Libp11Test() override {
    key_.reset();
    if (slots_ != nullptr) PKCS11_release_all_slots(context_, slots_, slot_count_);
    PKCS11_CTX_unload(context_);
    PKCS11_CTX_free(context_);
  }

  void SetUp() override {
    ASSERT_EQ(PKCS11_CTX_load(context_, testing::kSoftHsmModule), 0);
    ASSERT_EQ(PKCS11_enumerate_slots(context_, &slots_, &slot_count_), 0);
    PKCS11_SLOT* slot = PKCS11_find_token(context_, slots_, slot_count_);
    ASSERT_NE(slot, nullptr);
    ASSERT_STREQ(slot->token->label, kTokenLabel);
    ASSERT_EQ(PKCS11_login(slot, 0, testing::kUserPin), 0);
    PKCS11_KEY* keys = nullptr;
    unsigned int count = 0;
    ASSERT_EQ(PKCS11_enumerate_keys(slot->token, &keys, &count), 0);
    ASSERT_EQ(count, 1U);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(keys->id), keys->id_len), key_id());
    EXPECT_STREQ(keys->label, "keyward/acme/1");
    key_.reset(PKCS11_get_private_key(keys));
    ASSERT_NE(key_, nullptr);
  }

  EvpPkeyPtr key_;

 private:
  PKCS11_CTX* context_;
  PKCS11_SLOT* slots_ = nullptr;
  unsigned int slot_count_ = 0;
};

TEST_F(Libp11Test, SignsThroughEvp) {
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  ASSERT_EQ(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()), 1);
  std::string signature(256, '\0');
  size_t length = signature.size();
  ASSERT_EQ(
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                     reinterpret_cast<const unsigned char*>(kMessage), sizeof(kMessage) - 1),
      1);
  signature.resize(length);
  const absl::Status verified = VerifyRs256(public_key(), kMessage, signature);
  EXPECT_TRUE(verified.ok()) << verified;
}

TEST_F(Libp11Test, HasThePublicPartAndNotThePrivate) {
  EXPECT_EQ(EVP_PKEY_eq(key_.get(), &public_key()), 1);
  BIGNUM* exponent = nullptr;
  EXPECT_NE(EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_RSA_D, &exponent), 1);
  const BignumPtr owned(exponent);
  EXPECT_EQ(exponent, nullptr);
}

}  // namespace
}  // namespace keyward::pkcs11
