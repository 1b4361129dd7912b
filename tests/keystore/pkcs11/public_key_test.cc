#include "keystore/pkcs11/public_key.h"

#include <gtest/gtest.h>

#include <optional>

#include "absl/strings/match.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

class PublicKeyTest : public TokenTest {
 protected:
  PublicKeyTest() : pool_(OpenPool()) { lease_.emplace(*pool_->TakeForAdministration(Soon())); }

  const Session& session() { return lease_->session(); }

  void Destroy(CK_OBJECT_HANDLE object) {
    ASSERT_EQ(session().functions().C_DestroyObject(session().handle(), object), CKR_OK);
  }

  CK_OBJECT_HANDLE Create(std::vector<CK_ATTRIBUTE> attributes) {
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    EXPECT_EQ(session().functions().C_CreateObject(session().handle(), attributes.data(),
                                                   attributes.size(), &object),
              CKR_OK);
    return object;
  }

  // A certificate for the key, made by others' tools, with the same CKA_ID.
  void StoreCertificateOf(const std::string& id_hex) {
    const std::string dir = dir_.path();
    ASSERT_EQ(testing::Run({"pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label",
                            kTokenLabel, "--read-object", "--type", "pubkey", "--id", id_hex,
                            "--output-file", dir + "/pub.der"})
                  .exit_code,
              0);
    ASSERT_EQ(testing::Run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                            dir + "/ca.key", "-out", dir + "/ca.pem", "-subj", "/CN=ca"})
                  .exit_code,
              0);
    ASSERT_EQ(testing::Run({"openssl", "x509", "-new", "-force_pubkey", dir + "/pub.der", "-subj",
                            "/CN=key", "-CA", dir + "/ca.pem", "-CAkey", dir + "/ca.key",
                            "-outform", "DER", "-out", dir + "/cert.der"})
                  .exit_code,
              0);
    ASSERT_EQ(testing::Run({"pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label",
                            kTokenLabel, "--login", "--pin", testing::kUserPin, "--write-object",
                            dir + "/cert.der", "--type", "cert", "--id", id_hex})
                  .exit_code,
              0);
  }

  testing::TempDir dir_;
  std::unique_ptr<SessionPool> pool_;
  std::optional<SessionLease> lease_;
};

TEST_F(PublicKeyTest, BothHalvesOfAnRsaKeyTellTheSame) {
  const auto pair = GenerateRsaKeyPair(session(), "label", "id", 2048);
  ASSERT_TRUE(pair.ok()) << pair.status();
  const auto objects = FindObjectsById(session(), "id");
  ASSERT_EQ(objects->size(), 2U);
  for (const CK_OBJECT_HANDLE object : *objects) {
    const auto key = ReadPublicKey(session(), object);
    ASSERT_TRUE(key.ok()) << key.status();
    EXPECT_EQ(key->type, CKK_RSA);
    EXPECT_EQ(key->modulus, pair->modulus);
    EXPECT_EQ(key->public_exponent, pair->public_exponent);
  }
}

TEST_F(PublicKeyTest, AnEcPointComesFromThePublicKey) {
  for (const char* curve : {"P-256", "P-384"}) {
    CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
    const CK_OBJECT_HANDLE private_key = MakeEcKey(session(), curve, curve, &public_key);
    const auto from_private = ReadPublicKey(session(), private_key);
    const auto from_public = ReadPublicKey(session(), public_key);
    ASSERT_TRUE(from_private.ok() && from_public.ok())
        << from_private.status() << from_public.status();
    EXPECT_EQ(from_private->type, CKK_EC);
    EXPECT_EQ(from_private->ec_point, from_public->ec_point);
    EXPECT_EQ(from_private->ec_params, from_public->ec_params);
    EXPECT_EQ(from_public->ec_point.size(), curve == std::string("P-256") ? 65U : 97U);
    EXPECT_EQ(from_public->ec_point.front(), 4);
  }
}

TEST_F(PublicKeyTest, AnEcPointComesFromTheCertificateWhereThePublicKeyIsGone) {
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  const CK_OBJECT_HANDLE private_key = MakeEcKey(session(), "\xaa", "P-256", &public_key);
  const auto before = ReadPublicKey(session(), private_key);
  ASSERT_TRUE(before.ok()) << before.status();
  StoreCertificateOf("aa");
  Destroy(public_key);
  // SoftHSM shows what another process has stored.
  const auto after = ReadPublicKey(session(), private_key);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->ec_point, before->ec_point);
}

TEST_F(PublicKeyTest, APointThatTheTokenDidNotWrapIsTaken) {
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  MakeEcKey(session(), "id", "P-256", &public_key);
  PublicKeyValue key = *ReadPublicKey(session(), public_key);
  CK_OBJECT_CLASS object_class = CKO_PUBLIC_KEY;
  CK_KEY_TYPE type = CKK_EC;
  const CK_OBJECT_HANDLE raw = Create({{CKA_CLASS, &object_class, sizeof(object_class)},
                                       {CKA_KEY_TYPE, &type, sizeof(type)},
                                       {CKA_EC_PARAMS, key.ec_params.data(), key.ec_params.size()},
                                       {CKA_EC_POINT, key.ec_point.data(), key.ec_point.size()}});
  const auto read = ReadPublicKey(session(), raw);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->ec_point, key.ec_point);
  key.ec_point.back() ^= 1;
  const CK_OBJECT_HANDLE off = Create({{CKA_CLASS, &object_class, sizeof(object_class)},
                                       {CKA_KEY_TYPE, &type, sizeof(type)},
                                       {CKA_EC_PARAMS, key.ec_params.data(), key.ec_params.size()},
                                       {CKA_EC_POINT, key.ec_point.data(), key.ec_point.size()}});
  EXPECT_TRUE(absl::StrContains(ReadPublicKey(session(), off).status().message(),
                                "not a point of its curve"));
}

TEST_F(PublicKeyTest, AnEcKeyWithoutItsPublicHalfIsRefused) {
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  const CK_OBJECT_HANDLE private_key = MakeEcKey(session(), "id", "P-256", &public_key);
  Destroy(public_key);
  const auto key = ReadPublicKey(session(), private_key);
  EXPECT_TRUE(absl::IsFailedPrecondition(key.status())) << key.status();
  EXPECT_TRUE(absl::StrContains(key.status().message(), "neither a public key nor a certificate"));
}

TEST_F(PublicKeyTest, TwoPublicKeysThatMayBeItsHalfAreRefused) {
  const CK_OBJECT_HANDLE private_key = MakeEcKey(session(), "id", "P-256");
  MakeEcKey(session(), "id", "P-256");
  const auto key = ReadPublicKey(session(), private_key);
  EXPECT_TRUE(absl::IsFailedPrecondition(key.status())) << key.status();
  EXPECT_TRUE(absl::StrContains(key.status().message(), "several public keys")) << key.status();
}

TEST_F(PublicKeyTest, AnRsaKeyIsNotTakenForTheHalfOfAnEcKey) {
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  const CK_OBJECT_HANDLE private_key = MakeEcKey(session(), "id", "P-256", &public_key);
  MakeOddKey(session(), "id", {});
  EXPECT_TRUE(ReadPublicKey(session(), private_key).ok());
  Destroy(public_key);
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadPublicKey(session(), private_key).status()));
}

TEST_F(PublicKeyTest, OtherObjectsAreRefused) {
  CK_OBJECT_CLASS data_class = CKO_DATA;
  const CK_OBJECT_HANDLE data = Create({{CKA_CLASS, &data_class, sizeof(data_class)}});
  EXPECT_TRUE(absl::IsFailedPrecondition(ReadPublicKey(session(), data).status()));
  EXPECT_TRUE(IsSessionFatal(ReadPublicKey(session(), 987654).status()));
}

class FindObjectsTest : public PublicKeyTest {};

TEST_F(FindObjectsTest, FindsByWhatIsGiven) {
  ASSERT_TRUE(GenerateRsaKeyPair(session(), "one", "1", 2048).ok());
  ASSERT_TRUE(GenerateRsaKeyPair(session(), "two", "2", 2048).ok());
  const auto count = [&](const ObjectTemplate& wanted) {
    return FindObjects(session(), wanted)->size();
  };
  EXPECT_EQ(count({}), 4U);
  EXPECT_EQ(count({.object_class = CKO_PRIVATE_KEY}), 2U);
  EXPECT_EQ(count({.label = "one"}), 2U);
  EXPECT_EQ(count({.object_class = CKO_PUBLIC_KEY, .id = "2"}), 1U);
  EXPECT_EQ(count({.label = "one", .id = "2"}), 0U);
  EXPECT_EQ(count({.object_class = CKO_CERTIFICATE}), 0U);
}

TEST_F(FindObjectsTest, ReadsAttributesOfEveryKind) {
  const CK_OBJECT_HANDLE key = MakeOddKey(session(), "id", {});
  EXPECT_EQ(*ReadUlong(session(), key, CKA_KEY_TYPE), CKK_RSA);
  EXPECT_TRUE(*ReadBool(session(), key, CKA_SIGN));
  EXPECT_FALSE(*ReadBool(session(), key, CKA_EXTRACTABLE));
  EXPECT_EQ(*ReadBytes(session(), key, CKA_ID), "id");
  EXPECT_FALSE(ReadBool(session(), key, CKA_MODULUS).ok()) << "of another size";
  EXPECT_EQ(CkRvOf(ReadBytes(session(), key, CKA_EC_POINT).status()), CKR_ATTRIBUTE_TYPE_INVALID);
  EXPECT_FALSE(IfAnswered(ReadBytes(session(), key, CKA_EC_POINT))->has_value());
  EXPECT_TRUE(IsSessionFatal(IfAnswered(ReadBytes(session(), 987654, CKA_ID)).status()));
}

}  // namespace
}  // namespace keyward::pkcs11
