// The provider compiled in: keys that sign by an object of the program's.
#include "keystore/provider/compiled_in.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "common/rsa_public_key.h"
#include "keystore/pkcs11/token_signer.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::provider {
namespace {

using ::testing::NotNull;

// A signing session of the pool's for each signature, as the signer has it.
class PoolKey : public PrivateKey {
 public:
  PoolKey(pkcs11::SessionPool& pool, std::string key_id) : pool_(pool), id_(std::move(key_id)) {}

  absl::StatusOr<std::string> SignDigest(const pkcs11::SignatureScheme& scheme,
                                         absl::string_view digest) const override {
    auto lease = pool_.TakeForAdministration(pkcs11::Soon());
    if (!lease.ok()) return lease.status();
    const auto pair = pkcs11::FindRsaKeyPair(lease->session(), id_);
    if (!pair.ok()) return pair.status();
    return pkcs11::SignDigest(lease->session(), scheme, pair->private_key, digest,
                              pair->modulus.size());
  }

 private:
  pkcs11::SessionPool& pool_;
  const std::string id_;
};

// OpenSSL's key behind our interface, to see what comes through it.
class SoftwareKey : public PrivateKey {
 public:
  explicit SoftwareKey(EVP_PKEY* key) : key_(key) {}

  absl::StatusOr<std::string> SignDigest(const pkcs11::SignatureScheme& scheme,
                                         absl::string_view digest) const override {
    ++calls;
    last_kind = scheme.kind;
    const EvpPkeyCtxPtr signing(EVP_PKEY_CTX_new(key_, nullptr));
    std::string signature(512, '\0');
    size_t length = signature.size();
    EXPECT_EQ(EVP_PKEY_sign_init(signing.get()), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_signature_md(signing.get(), EVP_sha256()), 1);
    if (EVP_PKEY_sign(signing.get(), reinterpret_cast<uint8_t*>(signature.data()), &length,
                      reinterpret_cast<const uint8_t*>(digest.data()), digest.size()) != 1) {
      return absl::InternalError("refused");
    }
    signature.resize(length);
    if (spoil) signature.back() = static_cast<char>(signature.back() ^ 1);
    return signature;
  }

  bool spoil = false;
  mutable std::atomic<int> calls = 0;
  mutable std::atomic<pkcs11::SignatureScheme::Kind> last_kind{};

 private:
  EVP_PKEY* key_;
};

class FailingKey : public PrivateKey {
 public:
  absl::StatusOr<std::string> SignDigest(const pkcs11::SignatureScheme& /*scheme*/,
                                         absl::string_view /*digest*/) const override {
    return absl::UnavailableError("the token is away");
  }
};

std::unique_ptr<SigningContext> NewContext() {
  auto context = SigningContext::New();
  EXPECT_TRUE(context.ok()) << context.status();
  return *std::move(context);
}

X509Ptr SelfSigned(const SigningContext& context, EVP_PKEY* key) {
  X509Ptr certificate(X509_new_ex(context.library_context(), nullptr));
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  EXPECT_EQ(X509_set_pubkey(certificate.get(), key), 1);
  if (X509_sign(certificate.get(), key, EVP_sha256()) <= 0) return nullptr;
  return certificate;
}

TEST(CompiledInTest, SignsACertificateWithTheObject) {
  const EvpPkeyPtr software(EVP_RSA_gen(2048));
  const auto context = NewContext();
  auto signer = std::make_shared<SoftwareKey>(software.get());
  const auto key = context->MakeKey(*software, signer);
  ASSERT_TRUE(key.ok()) << key.status();
  const X509Ptr certificate = SelfSigned(*context, key->get());
  ASSERT_THAT(certificate, NotNull());
  EXPECT_EQ(signer->calls, 1);
  EXPECT_EQ(X509_verify(certificate.get(), software.get()), 1);
  EXPECT_EQ(X509_check_private_key(certificate.get(), key->get()), 1);
}

TEST(CompiledInTest, NeverGivesASignatureThatDoesNotVerify) {
  const EvpPkeyPtr software(EVP_RSA_gen(2048));
  const auto context = NewContext();
  auto signer = std::make_shared<SoftwareKey>(software.get());
  signer->spoil = true;
  const auto key = context->MakeKey(*software, signer);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_THAT(SelfSigned(*context, key->get()), ::testing::IsNull());
  EXPECT_EQ(signer->calls, 1);
}

TEST(CompiledInTest, PassesOnWhyTheObjectDidNotSign) {
  const EvpPkeyPtr software(EVP_EC_gen("P-256"));
  const auto context = NewContext();
  const auto key = context->MakeKey(*software, std::make_shared<FailingKey>());
  ASSERT_TRUE(key.ok()) << key.status();
  ERR_clear_error();
  EXPECT_THAT(SelfSigned(*context, key->get()), ::testing::IsNull());
  const char* sentence = nullptr;
  ERR_peek_error_all(nullptr, nullptr, nullptr, &sentence, nullptr);
  EXPECT_STREQ(sentence, "the token is away");
}

TEST(CompiledInTest, LetsGoOfTheObjectWithTheKey) {
  const EvpPkeyPtr software(EVP_RSA_gen(2048));
  const auto context = NewContext();
  auto signer = std::make_shared<SoftwareKey>(software.get());
  const std::weak_ptr<SoftwareKey> watch = signer;
  {
    const auto key = context->MakeKey(*software, std::move(signer));
    ASSERT_TRUE(key.ok());
    EXPECT_FALSE(watch.expired());
  }
  EXPECT_TRUE(watch.expired());
}

TEST(CompiledInTest, TakesNoKeyOfAnotherKind) {
  const auto context = NewContext();
  const EvpPkeyPtr ed25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  EXPECT_FALSE(context->MakeKey(*ed25519, std::make_shared<FailingKey>()).ok());
  const EvpPkeyPtr p521(EVP_EC_gen("P-521"));
  EXPECT_FALSE(context->MakeKey(*p521, std::make_shared<FailingKey>()).ok());
}

TEST(CompiledInTest, ManyContextsComeAndGo) {
  const EvpPkeyPtr software(EVP_EC_gen("P-256"));
  for (int i = 0; i < 20; ++i) {
    const auto context = NewContext();
    EXPECT_TRUE(context->MakeKey(*software, std::make_shared<FailingKey>()).ok());
  }
}

using CompiledInTokenTest = pkcs11::TokenTest;

TEST_F(CompiledInTokenTest, SignsOnManyThreadsWithOneKey) {
  const auto pool = OpenPool();
  pkcs11::TokenKeyPair pair;
  const std::string key_id = MakeKey(*pool, &pair);
  const auto public_key = MakeRsaPublicKey(pair.modulus, pair.public_exponent);
  ASSERT_TRUE(public_key.ok());
  const auto context = NewContext();
  const auto key = context->MakeKey(**public_key, std::make_shared<PoolKey>(*pool, key_id));
  ASSERT_TRUE(key.ok()) << key.status();
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 3; ++round) {
        const X509Ptr certificate = SelfSigned(*context, key->get());
        good += certificate != nullptr && X509_verify(certificate.get(), public_key->get()) == 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 18);
}

}  // namespace
}  // namespace keyward::provider
