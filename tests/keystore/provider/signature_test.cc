// Signatures by keyward.so, verified by OpenSSL's own provider.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <thread>

#include "tests/keystore/provider/module_fixture.h"

namespace keyward::provider {
namespace {

using ::testing::HasSubstr;

constexpr char kData[] = "what is signed";

using SignatureTest = ModuleTest;

TEST_F(SignatureTest, SignsPkcs1WithEachDigest) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  ASSERT_NE(key, nullptr);
  const EvpPkeyPtr public_key = PublicCopy(context(), key.get());
  for (const char* digest : {"SHA256", "SHA2-384", "SHA-512"}) {
    const std::string signature = Sign(context(), key.get(), digest, kData);
    EXPECT_TRUE(Verify(context(), public_key.get(), digest, kData, signature)) << digest;
    EXPECT_TRUE(Verify(context(), key.get(), digest, kData, signature)) << digest;
    EXPECT_FALSE(Verify(context(), key.get(), digest, "other", signature)) << digest;
  }
}

TEST_F(SignatureTest, TakesSha256WhereNoDigestIsNamed) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=ec;type=private");
  const std::string signature = Sign(context(), key.get(), nullptr, kData);
  EXPECT_TRUE(Verify(context(), key.get(), "SHA256", kData, signature));
}

TEST_F(SignatureTest, SignsPssWithEachKindOfSaltLength) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  const EvpPkeyPtr public_key = PublicCopy(context(), key.get());
  const struct {
    const char* asked;
    // As OpenSSL's own provider must find it.
    const char* made;
  } cases[] = {{"digest", "32"}, {"max", "222"}, {"auto", "222"}, {"0", "0"}, {"20", "20"}};
  for (const auto& salt : cases) {
    const Options options = {"rsa_padding_mode:pss", std::string("rsa_pss_saltlen:") + salt.asked};
    const std::string signature = Sign(context(), key.get(), "SHA256", kData, options);
    EXPECT_TRUE(Verify(context(), public_key.get(), "SHA256", kData, signature,
                       {"rsa_padding_mode:pss", std::string("rsa_pss_saltlen:") + salt.made}))
        << salt.asked;
    EXPECT_TRUE(Verify(context(), key.get(), "SHA256", kData, signature, {"rsa_padding_mode:pss"}))
        << salt.asked;
    EXPECT_FALSE(Verify(context(), key.get(), "SHA256", kData, signature)) << salt.asked;
  }
}

TEST_F(SignatureTest, SignsEcdsaOnEachCurve) {
  for (const char* uri : {"pkcs11:id=%02;type=private", "pkcs11:id=%03;type=private"}) {
    const EvpPkeyPtr key = LoadPrivateKey(context(), uri);
    ASSERT_NE(key, nullptr);
    const EvpPkeyPtr public_key = PublicCopy(context(), key.get());
    for (const char* digest : {"SHA256", "SHA384", "SHA512"}) {
      const std::string signature = Sign(context(), key.get(), digest, kData);
      EXPECT_TRUE(Verify(context(), public_key.get(), digest, kData, signature)) << uri << digest;
      EXPECT_TRUE(Verify(context(), key.get(), digest, kData, signature)) << uri << digest;
    }
  }
}

// EVP_DigestSignFinal() signs with a copy of the context, so that the caller can go on.
TEST_F(SignatureTest, SignsInPiecesAndGoesOnAfterwards) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  const EvpMdCtxPtr signing(EVP_MD_CTX_new());
  ASSERT_EQ(EVP_DigestSignInit_ex(signing.get(), nullptr, "SHA256", context(), nullptr, key.get(),
                                  nullptr),
            1);
  std::string data;
  for (const char* piece : {"one ", "two ", "three"}) {
    data += piece;
    ASSERT_EQ(EVP_DigestSignUpdate(signing.get(), piece, strlen(piece)), 1);
    std::string signature(256, '\0');
    size_t length = signature.size();
    ASSERT_EQ(
        EVP_DigestSignFinal(signing.get(), reinterpret_cast<uint8_t*>(signature.data()), &length),
        1);
    EXPECT_TRUE(Verify(context(), key.get(), "SHA256", data, signature));
  }
}

TEST_F(SignatureTest, SignsDigestsOfTheCaller) {
  const Sha256Digest digest = Sha256(kData);
  for (const char* uri : {"pkcs11:object=rsa;type=private", "pkcs11:object=ec;type=private"}) {
    const EvpPkeyPtr key = LoadPrivateKey(context(), uri);
    const EvpPkeyCtxPtr signing(EVP_PKEY_CTX_new_from_pkey(context(), key.get(), nullptr));
    ASSERT_EQ(EVP_PKEY_sign_init(signing.get()), 1);
    ASSERT_EQ(EVP_PKEY_CTX_set_signature_md(signing.get(), EVP_sha256()), 1);
    std::string signature(256, '\0');
    size_t length = signature.size();
    ASSERT_EQ(EVP_PKEY_sign(signing.get(), reinterpret_cast<uint8_t*>(signature.data()), &length,
                            digest.data(), digest.size()),
              1);
    signature.resize(length);
    EXPECT_TRUE(Verify(context(), key.get(), "SHA256", kData, signature)) << uri;
  }
}

TEST_F(SignatureTest, TellsPaddingAndAlgorithm) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  const EvpMdCtxPtr signing(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  ASSERT_EQ(EVP_DigestSignInit_ex(signing.get(), &parameters, "SHA384", context(), nullptr,
                                  key.get(), nullptr),
            1);
  int value = 0;
  EXPECT_GT(EVP_PKEY_CTX_get_rsa_padding(parameters, &value), 0);
  EXPECT_EQ(value, RSA_PKCS1_PADDING);
  ASSERT_EQ(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING), 1);
  ASSERT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 48), 1);
  EXPECT_GT(EVP_PKEY_CTX_get_rsa_padding(parameters, &value), 0);
  EXPECT_EQ(value, RSA_PKCS1_PSS_PADDING);
  EXPECT_GT(EVP_PKEY_CTX_get_rsa_pss_saltlen(parameters, &value), 0);
  EXPECT_EQ(value, 48);
  const EVP_MD* mgf1 = nullptr;
  EXPECT_GT(EVP_PKEY_CTX_get_rsa_mgf1_md(parameters, &mgf1), 0);
  EXPECT_EQ(EVP_MD_get_type(mgf1), NID_sha384);
}

TEST_F(SignatureTest, RefusesAnUnknownDigest) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  for (const char* digest : {"MD5", "SHA1", "SHA3-256"}) {
    EXPECT_EQ(Sign(context(), key.get(), digest, kData), "");
    const QueuedError error = TakeError();
    EXPECT_EQ(error.reason, static_cast<int>(Reason::kDigestUnknown));
    EXPECT_THAT(error.sentence, HasSubstr(digest));
  }
}

TEST_F(SignatureTest, RefusesASaltThatIsTooLong) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  EXPECT_NE(
      Sign(context(), key.get(), "SHA256", kData, {"rsa_padding_mode:pss", "rsa_pss_saltlen:222"}),
      "");
  EXPECT_EQ(
      Sign(context(), key.get(), "SHA256", kData, {"rsa_padding_mode:pss", "rsa_pss_saltlen:223"}),
      "");
  const QueuedError error = TakeError();
  EXPECT_EQ(error.reason, static_cast<int>(Reason::kSaltTooLong));
  EXPECT_EQ(error.reason_text, "PSS salt too long");
  EXPECT_THAT(error.sentence, HasSubstr("at most 222"));
}

TEST_F(SignatureTest, RefusesOtherPaddings) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  EXPECT_EQ(Sign(context(), key.get(), "SHA256", kData, {"rsa_padding_mode:none"}), "");
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kPaddingUnsupported));
}

TEST_F(SignatureTest, RefusesADigestOfTheWrongLength) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=ec;type=private");
  const EvpPkeyCtxPtr signing(EVP_PKEY_CTX_new_from_pkey(context(), key.get(), nullptr));
  ASSERT_EQ(EVP_PKEY_sign_init(signing.get()), 1);
  uint8_t signature[256];
  size_t length = sizeof(signature);
  EXPECT_NE(
      EVP_PKEY_sign(signing.get(), signature, &length, reinterpret_cast<const uint8_t*>(kData), 5),
      1);
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kDigestWrongLength));
}

// TLS takes whatever is on the queue for its own error.
TEST_F(SignatureTest, LeavesNothingOnTheQueueWhenItSigns) {
  ERR_clear_error();
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_NE(Sign(context(), key.get(), "SHA256", kData), "");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// Whatever the application has there is its own.
TEST_F(SignatureTest, LeavesTheApplicationsErrorsAndMarks) {
  ERR_clear_error();
  ERR_raise_data(ERR_LIB_USER, 77, "the application's");
  const auto theirs = ERR_peek_error();
  ASSERT_EQ(ERR_set_mark(), 1);
  for (const char* object : {"rsa", "ec", "ec384"}) {
    const EvpPkeyPtr key =
        LoadPrivateKey(context(), std::string("pkcs11:type=private;object=") + object);
    ASSERT_NE(key, nullptr);
    std::string signature = Sign(context(), key.get(), "SHA256", kData);
    EXPECT_TRUE(Verify(context(), key.get(), "SHA256", kData, signature));
    EXPECT_FALSE(Verify(context(), key.get(), "SHA256", kData, "no signature"));
    EXPECT_EQ(Sign(context(), key.get(), "MD5", kData), "");
    EXPECT_EQ(ERR_peek_error(), theirs) << object;
  }
  EXPECT_EQ(LoadPrivateKey(context(), "pkcs11:object=nobody"), nullptr);
  EXPECT_EQ(LoadPrivateKey(context(), "pkcs11:object=rsa?module-path=/nowhere.so"), nullptr);
  EXPECT_EQ(ERR_peek_error(), theirs);
  EXPECT_EQ(ERR_pop_to_mark(), 1);
  EXPECT_EQ(ERR_peek_last_error(), theirs);
  ERR_clear_error();
}

// OSSL_PARAM(3): the size says where it ends.
TEST_F(SignatureTest, ReadsTextsThatEndWithoutAZero) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  const EvpPkeyCtxPtr signing(EVP_PKEY_CTX_new_from_pkey(context(), key.get(), nullptr));
  ASSERT_EQ(EVP_PKEY_sign_init(signing.get()), 1);
  char digest[] = {'S', 'H', 'A', '3', '8', '4', '-', '-'};
  char padding[] = {'p', 's', 's', '-'};
  char salt[] = {'4', '8', '8'};
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, digest, 6),
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, padding, 3),
      OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, salt, 2),
      OSSL_PARAM_construct_end()};
  ASSERT_EQ(EVP_PKEY_CTX_set_params(signing.get(), params), 1) << TakeError().sentence;
  int value = 0;
  EXPECT_GT(EVP_PKEY_CTX_get_rsa_padding(signing.get(), &value), 0);
  EXPECT_EQ(value, RSA_PKCS1_PSS_PADDING);
  EXPECT_GT(EVP_PKEY_CTX_get_rsa_pss_saltlen(signing.get(), &value), 0);
  EXPECT_EQ(value, 48);
  const EVP_MD* hash = nullptr;
  EXPECT_GT(EVP_PKEY_CTX_get_signature_md(signing.get(), &hash), 0);
  EXPECT_EQ(EVP_MD_get_type(hash), NID_sha384);
}

TEST_F(SignatureTest, SignsOnManyThreadsWithOneKey) {
  for (const char* uri : {"pkcs11:object=rsa;type=private", "pkcs11:object=ec;type=private"}) {
    const EvpPkeyPtr key = LoadPrivateKey(context(), uri);
    std::vector<std::thread> threads;
    std::vector<int> good(12, 0);
    for (size_t i = 0; i < good.size(); ++i) {
      threads.emplace_back([&, i] {
        for (int round = 0; round < 10; ++round) {
          const std::string data = std::to_string(i) + "/" + std::to_string(round);
          const std::string signature = Sign(context(), key.get(), "SHA256", data);
          good[i] += Verify(context(), key.get(), "SHA256", data, signature) ? 1 : 0;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(std::all_of(good.begin(), good.end(), [](int count) { return count == 10; }));
  }
}

}  // namespace
}  // namespace keyward::provider
