// Signatures over digests, as OpenSSL's provider asks for them.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <optional>

#include "absl/strings/match.h"
#include "common/rsa_public_key.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/public_key.h"
#include "keystore/pkcs11/token_signer.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::pkcs11 {
namespace {

using Kind = SignatureScheme::Kind;

constexpr HashAlgorithm kHashes[] = {HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                                     HashAlgorithm::kSha512};

const EVP_MD* MdOf(HashAlgorithm hash) {
  switch (hash) {
    case HashAlgorithm::kSha256:
      return EVP_sha256();
    case HashAlgorithm::kSha384:
      return EVP_sha384();
    case HashAlgorithm::kSha512:
      break;
  }
  return EVP_sha512();
}

const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::string Digest(HashAlgorithm hash, const std::string& message) {
  std::string digest(DigestBytes(hash), '\0');
  EVP_Digest(message.data(), message.size(), reinterpret_cast<uint8_t*>(digest.data()), nullptr,
             MdOf(hash), nullptr);
  return digest;
}

// Verifies with OpenSSL, which is told every parameter of the scheme.
bool Verifies(EVP_PKEY& key, const SignatureScheme& scheme, const std::string& digest,
              const std::string& signature) {
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new(&key, nullptr));
  bool set = EVP_PKEY_verify_init(context.get()) == 1;
  if (scheme.kind != Kind::kEcdsa) {
    set = set && EVP_PKEY_CTX_set_rsa_padding(context.get(), scheme.kind == Kind::kRsaPss
                                                                 ? RSA_PKCS1_PSS_PADDING
                                                                 : RSA_PKCS1_PADDING) == 1;
  }
  set = set && EVP_PKEY_CTX_set_signature_md(context.get(), MdOf(scheme.digest)) == 1;
  if (scheme.kind == Kind::kRsaPss) {
    set = set && EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), MdOf(scheme.mgf1_digest)) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), static_cast<int>(scheme.salt_bytes)) == 1;
  }
  EXPECT_TRUE(set);
  const bool verified = EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(),
                                        Bytes(digest), digest.size()) == 1;
  ERR_clear_error();
  return verified;
}

// r and s, as tokens give them, as the DER that OpenSSL wants.
std::string EcdsaDer(const std::string& signature) {
  const int half = static_cast<int>(signature.size() / 2);
  ECDSA_SIG* parts = ECDSA_SIG_new();
  ECDSA_SIG_set0(parts, BN_bin2bn(Bytes(signature), half, nullptr),
                 BN_bin2bn(Bytes(signature) + half, half, nullptr));
  uint8_t* der = nullptr;
  const int length = i2d_ECDSA_SIG(parts, &der);
  std::string text(reinterpret_cast<char*>(der), length);
  OPENSSL_free(der);
  ECDSA_SIG_free(parts);
  return text;
}

EvpPkeyPtr EcKey(const Session& session, CK_OBJECT_HANDLE public_key, const char* group) {
  std::string point = ReadPublicKey(session, public_key)->ec_point;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(group), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context.get());
  EXPECT_EQ(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters), 1);
  return EvpPkeyPtr(key);
}

class DigestSignerTest : public FaultyTokenTest {
 protected:
  DigestSignerTest() {
    SetFaults("");
    pool_ = OpenPool({}, module());
    TokenKeyPair pair;
    const std::string key_id = MakeKey(*pool_, &pair);
    rsa_public_ = *MakeRsaPublicKey(pair.modulus, pair.public_exponent);
    lease_.emplace(*pool_->TakeForAdministration(Soon()));
    rsa_ = *lease_->FindKey(key_id);
  }

  absl::StatusOr<std::string> SignRsa(const SignatureScheme& scheme, const std::string& digest) {
    return SignDigest(lease_->session(), scheme, rsa_, digest, 256);
  }

  void ExpectVerifies(const SignatureScheme& scheme) {
    const std::string digest = Digest(scheme.digest, "message");
    const auto signature = SignRsa(scheme, digest);
    ASSERT_TRUE(signature.ok()) << signature.status();
    EXPECT_TRUE(Verifies(*rsa_public_, scheme, digest, *signature));
    EXPECT_FALSE(Verifies(*rsa_public_, scheme, Digest(scheme.digest, "massage"), *signature));
  }

  std::unique_ptr<SessionPool> pool_;
  std::optional<SessionLease> lease_;
  EvpPkeyPtr rsa_public_;
  CK_OBJECT_HANDLE rsa_ = CK_INVALID_HANDLE;
};

TEST_F(DigestSignerTest, OpensslVerifiesRsaPkcs1WithEveryHash) {
  for (const HashAlgorithm hash : kHashes)
    ExpectVerifies({.kind = Kind::kRsaPkcs1, .digest = hash});
}

TEST_F(DigestSignerTest, OpensslVerifiesPssWithEveryHashAndSalt) {
  for (const HashAlgorithm hash : kHashes) {
    const size_t longest = 256 - DigestBytes(hash) - 2;
    for (const size_t salt : {size_t{0}, size_t{20}, DigestBytes(hash), longest}) {
      ExpectVerifies(
          {.kind = Kind::kRsaPss, .digest = hash, .mgf1_digest = hash, .salt_bytes = salt});
    }
  }
}

// SoftHSM wants the same hash in both places. What matters is that the token is asked for the
// one that was chosen, and that the session works on after its refusal.
TEST_F(DigestSignerTest, TheHashOfTheMaskIsTheTokensToRefuse) {
  const SignatureScheme mixed = {.kind = Kind::kRsaPss,
                                 .digest = HashAlgorithm::kSha256,
                                 .mgf1_digest = HashAlgorithm::kSha384,
                                 .salt_bytes = 32};
  const auto signature = SignRsa(mixed, Digest(mixed.digest, "message"));
  EXPECT_FALSE(signature.ok());
  EXPECT_TRUE(CkRvOf(signature.status()).has_value()) << signature.status();
  EXPECT_FALSE(IsSessionFatal(signature.status())) << signature.status();
  ExpectVerifies({.kind = Kind::kRsaPkcs1, .digest = HashAlgorithm::kSha256});
}

TEST_F(DigestSignerTest, APssSaltThatDoesNotFitIsRefused) {
  const SignatureScheme scheme = {.kind = Kind::kRsaPss,
                                  .digest = HashAlgorithm::kSha512,
                                  .mgf1_digest = HashAlgorithm::kSha512,
                                  .salt_bytes = 256 - 64 - 1};
  const auto signature = SignRsa(scheme, Digest(scheme.digest, "message"));
  EXPECT_TRUE(absl::IsInvalidArgument(signature.status()));
  EXPECT_TRUE(absl::StrContains(signature.status().message(), "salt of 191 bytes is too long"))
      << signature.status();
}

TEST_F(DigestSignerTest, OpensslVerifiesEcdsaOnBothCurvesWithEveryHash) {
  struct Curve {
    const char* name;
    size_t signature_bytes;
  };
  for (const Curve& curve : {Curve{"P-256", 64}, Curve{"P-384", 96}}) {
    CK_OBJECT_HANDLE public_object = CK_INVALID_HANDLE;
    const CK_OBJECT_HANDLE key =
        MakeEcKey(lease_->session(), curve.name, curve.name, &public_object);
    const EvpPkeyPtr public_key = EcKey(lease_->session(), public_object, curve.name);
    for (const HashAlgorithm hash : kHashes) {
      const SignatureScheme scheme = {.kind = Kind::kEcdsa, .digest = hash};
      const std::string digest = Digest(hash, "message");
      const auto signature =
          SignDigest(lease_->session(), scheme, key, digest, curve.signature_bytes);
      ASSERT_TRUE(signature.ok()) << signature.status();
      EXPECT_TRUE(Verifies(*public_key, scheme, digest, EcdsaDer(*signature)));
      EXPECT_FALSE(Verifies(*public_key, scheme, Digest(hash, "massage"), EcdsaDer(*signature)));
    }
  }
}

TEST_F(DigestSignerTest, ADigestOfAnotherLengthIsRefused) {
  for (const Kind kind : {Kind::kRsaPkcs1, Kind::kRsaPss, Kind::kEcdsa}) {
    for (const size_t length : {0, 20, 31, 33, 48}) {
      const auto signature =
          SignRsa({.kind = kind, .digest = HashAlgorithm::kSha256}, std::string(length, 'd'));
      EXPECT_TRUE(absl::IsInvalidArgument(signature.status())) << length;
    }
  }
}

TEST_F(DigestSignerTest, ASignatureOfAnotherLengthIsAnError) {
  const std::string digest = Digest(HashAlgorithm::kSha256, "message");
  EXPECT_FALSE(SignDigest(lease_->session(), {}, rsa_, digest, 512).ok());
  EXPECT_TRUE(IsSessionFatal(SignDigest(lease_->session(), {}, rsa_, digest, 128).status()));
}

TEST_F(DigestSignerTest, WhatTheTokenSaysEndsTheSessionOrNot) {
  const std::string digest = Digest(HashAlgorithm::kSha256, "message");
  EXPECT_TRUE(IsSessionFatal(SignDigest(lease_->session(), {}, 987654, digest, 256).status()));
  SetFaults("C_Sign 0x68\n");
  EXPECT_EQ(CkRvOf(SignRsa({}, digest).status()), CKR_KEY_FUNCTION_NOT_PERMITTED);
  SetFaults("");
  // The fault kept the call from the module, which is still in the operation.
  EXPECT_EQ(CkRvOf(SignRsa({}, digest).status()), CKR_OPERATION_ACTIVE);
  EXPECT_TRUE(IsSessionFatal(SignRsa({}, digest).status()));
}

TEST(SigningInputTest, EcdsaGetsNoMoreThanTheOrderOfItsCurve) {
  const std::string digest = Digest(HashAlgorithm::kSha512, "message");
  const SignatureScheme scheme = {.kind = Kind::kEcdsa, .digest = HashAlgorithm::kSha512};
  EXPECT_EQ(SigningInput(scheme, digest, 32), digest.substr(0, 32));
  EXPECT_EQ(SigningInput(scheme, digest, 66), digest);
}

}  // namespace
}  // namespace keyward::pkcs11
