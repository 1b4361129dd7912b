// Keys of keyward.so beside those of OpenSSL's own provider.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#include "tests/keystore/provider/module_fixture.h"

namespace keyward::provider {
namespace {

using ::testing::HasSubstr;

using KeymgmtTest = ModuleTest;

std::string ProviderOf(const EVP_PKEY* key) {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  return provider == nullptr ? "" : OSSL_PROVIDER_get0_name(provider);
}

std::string Encrypt(OSSL_LIB_CTX* context, EVP_PKEY* key) {
  const EvpPkeyCtxPtr encrypting(EVP_PKEY_CTX_new_from_pkey(context, key, nullptr));
  std::string out(256, '\0');
  size_t length = out.size();
  const bool done = encrypting != nullptr && EVP_PKEY_encrypt_init(encrypting.get()) == 1 &&
                    EVP_PKEY_encrypt(encrypting.get(), reinterpret_cast<uint8_t*>(out.data()),
                                     &length, reinterpret_cast<const uint8_t*>("secret"), 6) == 1;
  return done ? out : "";
}

TEST_F(KeymgmtTest, TellsSizesAndNames) {
  const EvpPkeyPtr rsa = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  EXPECT_EQ(ProviderOf(rsa.get()), "keyward");
  EXPECT_EQ(EVP_PKEY_get_bits(rsa.get()), 2048);
  EXPECT_EQ(EVP_PKEY_get_security_bits(rsa.get()), 112);
  EXPECT_EQ(EVP_PKEY_get_size(rsa.get()), 256);
  EXPECT_EQ(EVP_PKEY_is_a(rsa.get(), "RSA"), 1);
  EXPECT_EQ(EVP_PKEY_get_base_id(rsa.get()), EVP_PKEY_RSA);
  const EvpPkeyPtr ec = LoadPrivateKey(context(), "pkcs11:object=ec384;type=private");
  EXPECT_EQ(EVP_PKEY_get_bits(ec.get()), 384);
  EXPECT_EQ(EVP_PKEY_get_security_bits(ec.get()), 192);
  char text[64];
  size_t length = 0;
  EXPECT_EQ(EVP_PKEY_get_group_name(ec.get(), text, sizeof(text), &length), 1);
  EXPECT_STREQ(text, "secp384r1");
  EXPECT_EQ(EVP_PKEY_get_default_digest_name(ec.get(), text, sizeof(text)), 1);
  EXPECT_STREQ(text, "SHA256");
}

TEST_F(KeymgmtTest, IsEqualToItsPublicHalfElsewhere) {
  const EvpPkeyPtr other = LoadPrivateKey(context(), "pkcs11:object=ec384;type=private");
  for (const char* object : {"rsa", "ec"}) {
    const EvpPkeyPtr key =
        LoadPrivateKey(context(), std::string("pkcs11:type=private;object=") + object);
    const EvpPkeyPtr copy = PublicCopy(context(), key.get());
    EXPECT_EQ(ProviderOf(copy.get()), "default");
    EXPECT_EQ(EVP_PKEY_eq(key.get(), copy.get()), 1);
    EXPECT_EQ(EVP_PKEY_eq(copy.get(), key.get()), 1);
    EXPECT_NE(EVP_PKEY_eq(copy.get(), other.get()), 1);
    EXPECT_EQ(EVP_PKEY_eq(other.get(), key.get()) == 1, false);
    EXPECT_EQ(ERR_peek_error() == 0 || TakeError().reason == 0, true);
  }
}

TEST_F(KeymgmtTest, LetsOthersUseAPublicKey) {
  Loaded loaded = LoadAll(context(), "pkcs11:object=rsa;type=public");
  ASSERT_EQ(loaded.public_keys.size(), 1U) << TakeError().sentence;
  EVP_PKEY* key = loaded.public_keys.front().get();
  // keyward does not encrypt: OpenSSL's own provider does, with the exported key.
  EXPECT_NE(Encrypt(context(), key), "");
  const BioPtr bio(BIO_new(BIO_s_mem()));
  EXPECT_EQ(PEM_write_bio_PUBKEY(bio.get(), key), 1);
  const EvpPkeyPtr private_key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  const std::string signature = Sign(context(), private_key.get(), "SHA256", "data");
  EXPECT_TRUE(Verify(context(), key, "SHA256", "data", signature));
}

TEST_F(KeymgmtTest, RefusesToSignWithAPublicKey) {
  Loaded loaded = LoadAll(context(), "pkcs11:object=rsa;type=public");
  ASSERT_EQ(loaded.public_keys.size(), 1U);
  EXPECT_EQ(Sign(context(), loaded.public_keys.front().get(), "SHA256", "data"), "");
}

TEST_F(KeymgmtTest, DoesNotGiveThePrivateHalf) {
  for (const char* object : {"rsa", "ec"}) {
    const EvpPkeyPtr key =
        LoadPrivateKey(context(), std::string("pkcs11:type=private;object=") + object);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    EXPECT_NE(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr),
              1);
    EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kPrivateKeyNotExportable));
    EXPECT_EQ(BIO_pending(bio.get()), 0);
    OSSL_PARAM* params = nullptr;
    EXPECT_NE(EVP_PKEY_todata(key.get(), EVP_PKEY_KEYPAIR, &params), 1);
    EXPECT_EQ(EVP_PKEY_todata(key.get(), EVP_PKEY_PUBLIC_KEY, &params), 1);
    EXPECT_EQ(OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_RSA_D), nullptr);
    EXPECT_EQ(OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_PRIV_KEY), nullptr);
    OSSL_PARAM_free(params);
    BIGNUM* number = nullptr;
    EXPECT_NE(EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_RSA_D, &number), 1);
  }
}

TEST_F(KeymgmtTest, ShowsAsTextWhereItIs) {
  for (const char* object : {"rsa", "ec"}) {
    const EvpPkeyPtr key =
        LoadPrivateKey(context(), std::string("pkcs11:type=private;object=") + object);
    const BioPtr bio(BIO_new(BIO_s_mem()));
    ASSERT_EQ(EVP_PKEY_print_private(bio.get(), key.get(), 0, nullptr), 1) << TakeError().sentence;
    const char* data = nullptr;
    const auto length = BIO_get_mem_data(bio.get(), &data);
    const std::string text(data, static_cast<size_t>(length));
    EXPECT_THAT(text, HasSubstr(std::string(";object=") + object + ";type=private\n"));
    EXPECT_THAT(text, HasSubstr("Public-Key: ("));
  }
  // A software key beside it is OpenSSL's to show.
  const EvpPkeyPtr software(EVP_PKEY_Q_keygen(context(), nullptr, "EC", "P-256"));
  const BioPtr bio(BIO_new(BIO_s_mem()));
  EXPECT_EQ(EVP_PKEY_print_private(bio.get(), software.get(), 0, nullptr), 1);
}

TEST_F(KeymgmtTest, CanBeDuplicated) {
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=ec;type=private");
  const EvpPkeyPtr copy(EVP_PKEY_dup(key.get()));
  ASSERT_NE(copy, nullptr);
  const std::string signature = Sign(context(), copy.get(), "SHA256", "data");
  EXPECT_TRUE(Verify(context(), key.get(), "SHA256", "data", signature));
}

// What a server does with a key of its own, in the same process.
TEST_F(KeymgmtTest, LeavesSoftwareKeysToOpenssl) {
  const EvpPkeyPtr token_key = LoadPrivateKey(context(), "pkcs11:object=rsa;type=private");
  const EvpPkeyPtr key(EVP_PKEY_Q_keygen(context(), nullptr, "RSA", static_cast<size_t>(2048)));
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(ProviderOf(key.get()), "default");
  const std::string signature = Sign(context(), key.get(), "SHA1", "data");
  EXPECT_TRUE(Verify(context(), key.get(), "SHA1", "data", signature));
  const std::string encrypted = Encrypt(context(), key.get());
  ASSERT_NE(encrypted, "");
  const EvpPkeyCtxPtr decrypting(EVP_PKEY_CTX_new_from_pkey(context(), key.get(), nullptr));
  uint8_t plain[256];
  size_t length = sizeof(plain);
  ASSERT_EQ(EVP_PKEY_decrypt_init(decrypting.get()), 1);
  EXPECT_EQ(EVP_PKEY_decrypt(decrypting.get(), plain, &length,
                             reinterpret_cast<const uint8_t*>(encrypted.data()), encrypted.size()),
            1);
  EXPECT_NE(EVP_PKEY_eq(key.get(), token_key.get()), 1);
}

TEST_F(KeymgmtTest, TakesNoPrivateKey) {
  const EvpPkeyPtr software(EVP_PKEY_Q_keygen(context(), nullptr, "EC", "P-256"));
  OSSL_PARAM* params = nullptr;
  ASSERT_EQ(EVP_PKEY_todata(software.get(), EVP_PKEY_KEYPAIR, &params), 1);
  const EvpPkeyCtxPtr making(EVP_PKEY_CTX_new_from_name(context(), "EC", "provider=keyward"));
  EVP_PKEY* made = nullptr;
  ASSERT_EQ(EVP_PKEY_fromdata_init(making.get()), 1);
  EXPECT_NE(EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_KEYPAIR, params), 1);
  EXPECT_EQ(made, nullptr);
  OSSL_PARAM_free(params);
}

TEST_F(KeymgmtTest, KnowsAKeyForPssAlone) {
  Pkcs11Tool({"--keypairgen", "--key-type", "rsa:2048", "--label", "pss", "--id", "05",
              "--allowed-mechanisms", "RSA-PKCS-PSS"});
  const EvpPkeyPtr key = LoadPrivateKey(context(), "pkcs11:object=pss;type=private");
  ASSERT_NE(key, nullptr) << TakeError().sentence;
  EXPECT_EQ(EVP_PKEY_is_a(key.get(), "RSA-PSS"), 1);
  const EvpPkeyPtr copy = PublicCopy(context(), key.get());
  const Options salt = {"rsa_pss_saltlen:digest"};
  const std::string signature = Sign(context(), key.get(), "SHA256", "data", salt);
  EXPECT_TRUE(Verify(context(), copy.get(), "SHA256", "data", signature, salt))
      << TakeError().sentence;
  EXPECT_EQ(Sign(context(), key.get(), "SHA256", "data", {"rsa_padding_mode:pkcs1"}), "");
  EXPECT_EQ(TakeError().reason, static_cast<int>(Reason::kPaddingUnsupported));
}

}  // namespace
}  // namespace keyward::provider
