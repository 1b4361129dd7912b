#include "keystore/pkcs11/key_details.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "common/error.h"
#include "keystore/pkcs11/ck_error.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

class KeyDetailsTest : public FaultyTokenTest {
 protected:
  KeyDetailsTest() {
    SetFaults("");
    pool_ = OpenPool({}, module());
    lease_.emplace(*pool_->TakeForAdministration(Soon()));
  }

  const Session& session() { return lease_->session(); }

  TokenKeyPair MakePair(const std::string& label, const std::string& key_id) {
    auto pair = GenerateRsaKeyPair(session(), label, key_id, 2048);
    EXPECT_TRUE(pair.ok()) << pair.status();
    return *std::move(pair);
  }

  absl::StatusOr<AdoptableKey> Adopt(const std::string& uri,
                                     const KeyRequirements& requirements = {},
                                     const AdoptionScope& scope = {}) {
    return FindKeyForAdoption(session(), *ObjectUri::Parse(uri), scope, requirements);
  }

  void ExpectRefused(const std::string& uri, const char* reason, absl::StatusCode code,
                     const char* sentence) {
    const absl::Status status = Adopt(uri).status();
    EXPECT_EQ(ReasonOf(status), reason) << uri << ": " << status;
    EXPECT_EQ(status.code(), code) << uri;
    EXPECT_TRUE(absl::StrContains(status.message(), sentence)) << status.message();
    EXPECT_FALSE(absl::StrContains(status.message(), "4711")) << status.message();
  }

  std::unique_ptr<SessionPool> pool_;
  std::optional<SessionLease> lease_;
};

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

TEST_F(KeyDetailsTest, ShowsAKeyAsTheTokenHasIt) {
  MakePair("keyward/acme/1", "id");
  MakePair("keyward/acme/2", "other");
  const auto details = ReadKeyDetails(session(), "id");
  ASSERT_TRUE(details.ok()) << details.status();
  EXPECT_EQ(details->label, "keyward/acme/1");
  EXPECT_EQ(details->key_id, "id");
  EXPECT_EQ(details->key_type, CKK_RSA);
  EXPECT_EQ(details->modulus_bits, 2048U);
  EXPECT_EQ(details->generation_mechanism, "CKM_RSA_PKCS_KEY_PAIR_GEN");
  std::map<std::string, std::optional<bool>> attributes;
  for (const KeyAttribute& one : details->attributes) attributes[one.name] = one.value;
  const std::map<std::string, std::optional<bool>> expected = {{"CKA_TOKEN", true},
                                                               {"CKA_PRIVATE", true},
                                                               {"CKA_SENSITIVE", true},
                                                               {"CKA_ALWAYS_SENSITIVE", true},
                                                               {"CKA_EXTRACTABLE", false},
                                                               {"CKA_NEVER_EXTRACTABLE", true},
                                                               {"CKA_SIGN", true},
                                                               {"CKA_LOCAL", true},
                                                               {"CKA_DECRYPT", false},
                                                               {"CKA_UNWRAP", false},
                                                               {"CKA_DERIVE", false},
                                                               {"CKA_SIGN_RECOVER", false},
                                                               {"CKA_ALWAYS_AUTHENTICATE", false}};
  EXPECT_EQ(attributes, expected);
}

TEST_F(KeyDetailsTest, ItsUriLeadsToIt) {
  MakePair("ceremony/1 of 2;", "id");
  const auto details = ReadKeyDetails(session(), "id");
  EXPECT_TRUE(absl::StrContains(details->uri, "token=keyward-test")) << details->uri;
  EXPECT_TRUE(absl::StrContains(details->uri, "serial=")) << details->uri;
  const auto key = Adopt(details->uri);
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->key_id, "id");
}

TEST_F(KeyDetailsTest, SaysWhatTheTokenDoesNotAnswer) {
  MakePair("label", "id");
  SetFaults("C_GetAttributeValue hide 355\n");  // CKA_LOCAL
  const auto details = ReadKeyDetails(session(), "id");
  ASSERT_TRUE(details.ok()) << details.status();
  for (const KeyAttribute& one : details->attributes) {
    EXPECT_EQ(one.value.has_value(), one.name != "CKA_LOCAL") << one.name;
  }
}

TEST_F(KeyDetailsTest, ShowsKeysThatCannotSignForUs) {
  MakeOddKey(session(), "short", {.extractable = CK_TRUE, .bits = 1023 + 2});
  const auto odd = ReadKeyDetails(session(), "short");
  ASSERT_TRUE(odd.ok()) << odd.status();
  EXPECT_EQ(odd->modulus_bits, 1025U);
  MakeEcKey(session(), "ec", "P-256");
  const auto ec = ReadKeyDetails(session(), "ec");
  ASSERT_TRUE(ec.ok()) << ec.status();
  EXPECT_EQ(ec->key_type, CKK_EC);
  EXPECT_FALSE(ec->modulus_bits.has_value());
  EXPECT_EQ(ec->generation_mechanism, "CKM_EC_KEY_PAIR_GEN");
}

TEST_F(KeyDetailsTest, NoneAndTwoAreErrors) {
  EXPECT_EQ(ReasonOf(ReadKeyDetails(session(), "id").status()), "KEY_NOT_ON_TOKEN");
  MakeOddKey(session(), "id", {});
  MakeOddKey(session(), "id", {});
  EXPECT_EQ(ReasonOf(ReadKeyDetails(session(), "id").status()), "KEY_AMBIGUOUS");
}

class AdoptionTest : public KeyDetailsTest {};

TEST_F(AdoptionTest, FindsTheKeyByLabelOrId) {
  const TokenKeyPair one = MakePair("ceremony-1", "\x01");
  MakePair("ceremony-2", "\x02");
  for (const char* uri : {"pkcs11:object=ceremony-1", "pkcs11:id=%01;type=private",
                          "pkcs11:token=keyward-test;object=ceremony-1;id=%01"}) {
    const auto key = Adopt(uri);
    ASSERT_TRUE(key.ok()) << uri << ": " << key.status();
    EXPECT_EQ(key->handle, one.private_key);
    EXPECT_EQ(key->key_id, "\x01");
    EXPECT_EQ(key->modulus, one.modulus);
    EXPECT_EQ(key->public_exponent, one.public_exponent);
  }
}

TEST_F(AdoptionTest, TakesAnExponentThatThePrivateKeyLacksFromThePublicKey) {
  const TokenKeyPair pair = MakePair("ceremony", "id");
  SetFaults("C_GetAttributeValue hide 290\n");  // CKA_PUBLIC_EXPONENT
  const auto key = Adopt("pkcs11:object=ceremony");
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->public_exponent, pair.public_exponent);
  const auto public_key = FindObjects(session(), {.object_class = CKO_PUBLIC_KEY});
  ASSERT_EQ(session().functions().C_DestroyObject(session().handle(), public_key->front()), CKR_OK);
  ExpectRefused("pkcs11:object=ceremony", "KEY_NOT_ADOPTABLE", kPrecondition,
                "neither a public key nor a certificate");
}

TEST_F(AdoptionTest, UrisThatMeanSomethingElseAreRefused) {
  MakePair("ceremony", "id");
  ExpectRefused("pkcs11:object=ceremony;type=public", "KEY_URI_INVALID", kInvalid,
                "no private key");
  ExpectRefused("pkcs11:object=ceremony;type=cert", "KEY_URI_INVALID", kInvalid, "no private key");
  ExpectRefused("pkcs11:token=4711;object=ceremony", "KEY_URI_INVALID", kInvalid, "another token");
  ExpectRefused("pkcs11:serial=4711;object=ceremony", "KEY_URI_INVALID", kInvalid, "another token");
  for (const char* query : {"module-path=/4711.so", "pin-source=/4711", "pin-value=4711"}) {
    ExpectRefused(std::string("pkcs11:object=ceremony?") + query, "KEY_URI_INVALID", kInvalid,
                  "question mark");
  }
}

TEST_F(AdoptionTest, NoKeyAndSeveralAreRefused) {
  ExpectRefused("pkcs11:object=ceremony", "KEY_NOT_ON_TOKEN", absl::StatusCode::kNotFound,
                "matches the URI");
  MakePair("ceremony", "1");
  MakePair("ceremony", "2");
  ExpectRefused("pkcs11:object=ceremony", "KEY_AMBIGUOUS", kPrecondition, "2 private keys");
  EXPECT_TRUE(Adopt("pkcs11:object=ceremony;id=2").ok());
}

TEST_F(AdoptionTest, AKeyThatIsNotProtectedIsRefusedWithItsAttributes) {
  MakeOddKey(session(), "soft", {.sensitive = CK_FALSE, .extractable = CK_TRUE});
  ExpectRefused("pkcs11:id=soft", "KEY_NOT_ADOPTABLE", kPrecondition, "CKA_EXTRACTABLE is true");
  ExpectRefused("pkcs11:id=soft", "KEY_NOT_ADOPTABLE", kPrecondition, "CKA_SENSITIVE is false");
  MakePair("label", "hidden");
  SetFaults("C_GetAttributeValue hide 355\n");
  ExpectRefused("pkcs11:id=hidden", "KEY_NOT_ADOPTABLE", kPrecondition, "CKA_LOCAL cannot be read");
  EXPECT_TRUE(Adopt("pkcs11:id=hidden", {.allow_imported = true}).ok());
}

TEST_F(AdoptionTest, ShortKeysAndEcKeysAreTwoThings) {
  MakeOddKey(session(), "short", {.bits = 1024});
  ExpectRefused("pkcs11:id=short", "KEY_NOT_ADOPTABLE", kPrecondition, "shorter than 2048 bits");
  MakeEcKey(session(), "ec", "P-256");
  ExpectRefused("pkcs11:id=ec", "KEY_NOT_ADOPTABLE", kPrecondition, "not an RSA key");
}

TEST_F(AdoptionTest, AKeyWithoutACkaIdOfItsOwnIsRefused) {
  MakePair("none", "");
  ExpectRefused("pkcs11:object=none", "KEY_NOT_ADOPTABLE", kPrecondition, "no CKA_ID");
  MakePair("ceremony", "id");
  MakeEcKey(session(), "id", "P-256");
  ExpectRefused("pkcs11:object=ceremony", "KEY_NOT_ADOPTABLE", kPrecondition, "the same CKA_ID");
}

TEST_F(AdoptionTest, ABrokenSessionIsNoFaultOfTheKey) {
  MakePair("ceremony", "id");
  session().functions().C_CloseSession(session().handle());
  const absl::Status status = Adopt("pkcs11:object=ceremony").status();
  EXPECT_TRUE(IsSessionFatal(status)) << status;
  EXPECT_EQ(ReasonOf(status), std::nullopt);
}

TEST_F(KeyDetailsTest, KeysOutsideOfTheScopeAreAsIfTheyWereNotThere) {
  MakePair("ceremony-2026", "01");
  MakePair("corporate-ca", "02");
  MakePair("keyward/acme/1", "03");
  const AdoptionScope scope{.labels = {"ceremony-*", "corporate", "keyward/acme/1"}};
  EXPECT_TRUE(Adopt("pkcs11:object=ceremony-2026", {}, scope).ok());
  for (const char* uri : {"pkcs11:object=corporate-ca", "pkcs11:id=03"}) {
    const absl::Status outside = Adopt(uri, {}, scope).status();
    EXPECT_EQ(outside, Adopt("pkcs11:object=nowhere", {}, scope).status()) << uri;
    EXPECT_EQ(ReasonOf(outside), "KEY_NOT_ON_TOKEN") << uri;
  }
  EXPECT_EQ(ReasonOf(Adopt("pkcs11:object=ceremony-2026", {}, {.labels = {}}).status()),
            "KEY_NOT_ON_TOKEN");
}

}  // namespace
}  // namespace keyward::pkcs11
