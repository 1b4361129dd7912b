#include "keystore/certificate/json_web_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "common/rsa_public_key.h"
#include "tests/keystore/certificate/test_ca.h"

namespace keyward {
namespace {

using nlohmann::json;
using testing::CaPlan;
using ::testing::ElementsAre;
using testing::Issue;
using testing::Issued;
using testing::IssueRoot;
using testing::LeafPlan;

const Issued& Ca() {
  static const auto* const kCa = new Issued(IssueRoot(CaPlan("CA")));
  return *kCa;
}
const Issued& Leaf() {
  static const auto* const kLeaf = new Issued(Issue(LeafPlan("acme"), Ca()));
  return *kLeaf;
}

VerificationKey SomeKey() {
  return {.certificate_der = Leaf().der,
          .certificate_chain = {Ca().der},
          .algorithm = "RS256",
          .kid = *JwkThumbprint(*Leaf().key)};
}

std::string FromBase64Url(const std::string& text) {
  std::string bytes;
  EXPECT_TRUE(absl::WebSafeBase64Unescape(text, &bytes)) << text;
  return bytes;
}

std::string FromBase64(const std::string& text) {
  std::string bytes;
  EXPECT_TRUE(absl::Base64Unescape(text, &bytes)) << text;
  EXPECT_EQ(text.size() % 4, 0U) << "no padding";
  EXPECT_EQ(text.find_first_of("-_"), std::string::npos) << "base64url";
  return bytes;
}

TEST(JsonWebKeyTest, HasItsMembersInOrderWithoutWhiteSpace) {
  const std::string text = *JsonWebKey(SomeKey());
  const auto parsed = nlohmann::ordered_json::parse(text);
  std::vector<std::string> names;
  for (const auto& [name, value] : parsed.items()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("kty", "use", "alg", "kid", "n", "e", "x5c", "x5t#S256"));
  EXPECT_EQ(parsed.dump(), text);
  EXPECT_EQ(parsed["kty"], "RSA");
  EXPECT_EQ(parsed["use"], "sig");
  EXPECT_EQ(parsed["alg"], "RS256");
  EXPECT_EQ(parsed["kid"], SomeKey().kid);
  EXPECT_EQ(parsed["e"], "AQAB");
  EXPECT_EQ(*JsonWebKey(SomeKey()), text) << "the same each time";
}

TEST(JsonWebKeyTest, ItsNumbersVerifyASignature) {
  const json parsed = json::parse(*JsonWebKey(SomeKey()));
  const EvpPkeyPtr key = *MakeRsaPublicKey(FromBase64Url(parsed["n"]), FromBase64Url(parsed["e"]));
  const EvpMdCtxPtr context(EVP_MD_CTX_new());
  std::string signature(256, '\0');
  size_t length = signature.size();
  ASSERT_EQ(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, Leaf().key.get()), 1);
  ASSERT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &length,
                           reinterpret_cast<const uint8_t*>("message"), 7),
            1);
  EXPECT_TRUE(VerifyRs256(*key, "message", signature).ok());
  EXPECT_FALSE(VerifyRs256(*key, "another", signature).ok());
  EXPECT_EQ(*JwkThumbprint(*key), parsed["kid"]);
}

TEST(JsonWebKeyTest, ItsCertificatesAreTheChain) {
  const json parsed = json::parse(*JsonWebKey(SomeKey()));
  ASSERT_EQ(parsed["x5c"].size(), 2U);
  EXPECT_EQ(FromBase64(parsed["x5c"][0]), Leaf().der);
  EXPECT_EQ(FromBase64(parsed["x5c"][1]), Ca().der);
  const Sha256Digest digest = Sha256(Leaf().der);
  EXPECT_EQ(FromBase64Url(parsed["x5t#S256"]), std::string(digest.begin(), digest.end()));
  EXPECT_EQ(parsed["x5t#S256"].get<std::string>().size(), 43U) << "no padding";
  VerificationKey alone = SomeKey();
  alone.certificate_chain.clear();
  EXPECT_EQ(json::parse(*JsonWebKey(alone))["x5c"].size(), 1U);
}

// The modulus of RFC 7638 section 3.1 comes out as it went in.
TEST(JsonWebKeyTest, NumbersAreBase64UrlUInts) {
  const std::string n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
      "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
      "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
      "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
  const EvpPkeyPtr key = *MakeRsaPublicKey(FromBase64Url(n), FromBase64Url("AQAB"));
  VerificationKey jwk{.certificate_der = testing::Certify(LeafPlan("rfc"), *key, "CA", *Ca().key),
                      .algorithm = "RS256",
                      .kid = *JwkThumbprint(*key)};
  const json parsed = json::parse(*JsonWebKey(jwk));
  EXPECT_EQ(parsed["n"], n);
  EXPECT_EQ(parsed["e"], "AQAB");
  EXPECT_EQ(parsed["kid"], "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(JsonWebKeyTest, ASetKeepsItsOrder) {
  VerificationKey second = SomeKey();
  second.kid = "a \"second\" one";
  EXPECT_EQ(*JsonWebKeySet({SomeKey(), second}),
            "{\"keys\":[" + *JsonWebKey(SomeKey()) + "," + *JsonWebKey(second) + "]}");
  EXPECT_EQ(json::parse(*JsonWebKey(second))["kid"], second.kid);
  EXPECT_EQ(*JsonWebKeySet({}), "{\"keys\":[]}");
}

TEST(JsonWebKeyTest, RefusesWhatIsNoRsaCertificateAndNoText) {
  VerificationKey key = SomeKey();
  key.certificate_der = "no DER";
  EXPECT_TRUE(absl::IsInvalidArgument(JsonWebKey(key).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(JsonWebKeySet({SomeKey(), key}).status()));
  const EvpPkeyPtr ec(EVP_EC_gen("P-256"));
  key.certificate_der = testing::Certify(LeafPlan("acme"), *ec, "CA", *Ca().key);
  EXPECT_TRUE(absl::IsInvalidArgument(JsonWebKey(key).status()));
  key = SomeKey();
  key.kid = "\xFF";
  EXPECT_TRUE(absl::IsInvalidArgument(JsonWebKey(key).status()));
}

}  // namespace
}  // namespace keyward
