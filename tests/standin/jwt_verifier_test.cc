#include "tests/standin/jwt_verifier.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "tests/standin/testing/test_key.h"

namespace keyward::standin {
namespace {

using ::keyward::testing::NewRsaKey;
using ::keyward::testing::SignJwt;
using ::keyward::testing::SignJwtWith;

constexpr char kHeader[] = R"({"alg":"RS256"})";

// RFC 7515 appendix A.2.
constexpr char kRfcInput[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
constexpr char kRfcSignature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
    "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
constexpr char kRfcModulus[] =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4"
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re"
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX"
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

EvpPkeyPtr RfcPublicKey() {
  std::string modulus;
  EXPECT_TRUE(absl::WebSafeBase64Unescape(kRfcModulus, &modulus));
  const BignumPtr n(BN_bin2bn(reinterpret_cast<const uint8_t*>(modulus.data()),
                              static_cast<int>(modulus.size()), nullptr));
  const std::unique_ptr<OSSL_PARAM_BLD, OpensslDeleter<&OSSL_PARAM_BLD_free>> builder(
      OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_ulong(builder.get(), OSSL_PKEY_PARAM_RSA_E, 65537);
  const std::unique_ptr<OSSL_PARAM, OpensslDeleter<&OSSL_PARAM_free>> parameters(
      OSSL_PARAM_BLD_to_param(builder.get()));
  const EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()), 1);
  return EvpPkeyPtr(key);
}

std::string Unsigned(absl::string_view header, absl::string_view claims) {
  return absl::StrCat(absl::WebSafeBase64Escape(header), ".", absl::WebSafeBase64Escape(claims),
                      ".c2ln");
}

TEST(JwtVerifierTest, AgreesWithTheRfcsExample) {
  const absl::StatusOr<Jwt> jwt = ParseJwt(absl::StrCat(kRfcInput, ".", kRfcSignature));
  ASSERT_TRUE(jwt.ok()) << jwt.status();
  EXPECT_EQ(jwt->algorithm, "RS256");
  EXPECT_EQ(jwt->issuer, "joe");
  EXPECT_EQ(jwt->expiry, 1300819380);
  EXPECT_EQ(jwt->subject, std::nullopt);
  EXPECT_EQ(jwt->signing_input, kRfcInput);
  const EvpPkeyPtr key = RfcPublicKey();
  EXPECT_TRUE(VerifyRs256(*jwt, key.get()));
}

TEST(JwtVerifierTest, EveryChangedBitOfInputOrSignatureIsSeen) {
  const EvpPkeyPtr key = RfcPublicKey();
  const Jwt jwt = *ParseJwt(absl::StrCat(kRfcInput, ".", kRfcSignature));
  for (size_t i = 0; i < jwt.signature.size(); ++i) {
    Jwt changed = jwt;
    changed.signature[i] = static_cast<char>(changed.signature[i] ^ 1);
    EXPECT_FALSE(VerifyRs256(changed, key.get())) << i;
  }
  for (size_t i = 0; i < jwt.signing_input.size(); ++i) {
    Jwt changed = jwt;
    changed.signing_input[i] = static_cast<char>(changed.signing_input[i] ^ 1);
    EXPECT_FALSE(VerifyRs256(changed, key.get())) << i;
  }
}

TEST(JwtVerifierTest, RefusesOtherKeysDigestsAndPaddings) {
  const testing::TestKey key = NewRsaKey();
  const testing::TestKey other = NewRsaKey();
  const testing::TestKey ec = testing::NewEcKey();
  const auto verifies = [&](const std::string& compact) {
    return VerifyRs256(*ParseJwt(compact), key.key.get());
  };
  EXPECT_TRUE(verifies(SignJwt(kHeader, "{}", key.key.get())));
  EXPECT_FALSE(verifies(SignJwt(kHeader, "{}", other.key.get())));
  EXPECT_FALSE(verifies(SignJwtWith(kHeader, "{}", key.key.get(), "SHA512", false)));
  EXPECT_FALSE(verifies(SignJwtWith(kHeader, "{}", key.key.get(), "SHA256", true)));
  EXPECT_FALSE(verifies(Unsigned(kHeader, "{}")));
  const std::string by_ec = SignJwt(kHeader, "{}", ec.key.get());
  EXPECT_FALSE(VerifyRs256(*ParseJwt(by_ec), ec.key.get()));
}

TEST(JwtVerifierTest, RefusesWhatIsNotTheCompactForm) {
  const std::string good = Unsigned(kHeader, "{}");  // eyJhbGciOiJSUzI1NiJ9.e30.c2ln
  ASSERT_TRUE(ParseJwt(good).ok());
  for (const std::string& bad : std::vector<std::string>{
           "", ".", "..", "a.b", "eyJhbGciOiJSUzI1NiJ9.e30", good + ".", good + ".c2ln",
           "eyJhbGciOiJSUzI1NiJ9.e30=.c2ln",   // padding
           "eyJhbGciOiJSUzI1NiJ9.e31.c2ln",    // loose trailing bits
           "eyJhbGciOiJSUzI1NiJ9.e30.c2l",     // loose trailing bits in the signature
           "eyJhbGciOiJSUzI1NiJ9.e30.c2lnc",   // no byte has six bits
           "eyJhbGciOiJSUzI1NiJ9.e30.c2+/",    // base64, not base64url
           " eyJhbGciOiJSUzI1NiJ9.e30.c2ln",   // white space before
           "eyJhbGciOiJSUzI1NiJ9.e30.c2ln\n",  // and after
           std::string("eyJhbGciOiJSUzI1NiJ9.e3\0000.c2ln", 29)}) {
    EXPECT_FALSE(ParseJwt(bad).ok()) << bad;
  }
}

TEST(JwtVerifierTest, RefusesPartsThatAreNotStrictObjects) {
  for (const absl::string_view bad :
       {"", "[]", "\"iss\"", "null", "{", "{} {}", R"({"iss":"a","iss":"b"})",
        R"({"iss":"a","\u0069ss":"b"})", "{\"iss\":\"\xC3\x28\"}", R"({"exp":1e999})",
        R"({"iss":"a",})", R"({/**/})"}) {
    EXPECT_FALSE(ParseJwt(Unsigned(kHeader, bad)).ok()) << bad;
    EXPECT_FALSE(ParseJwt(Unsigned(bad, "{}")).ok()) << bad;
  }
  EXPECT_FALSE(ParseJwt(Unsigned(R"({"alg":"RS256","crit":["exp"]})", "{}")).ok());
  // Only names of one and the same object clash.
  EXPECT_TRUE(ParseJwt(Unsigned(kHeader, R"({"iss":"a","x":{"iss":"b"},"y":{"iss":"c"}})")).ok());
}

TEST(JwtVerifierTest, DeepNestingIsNoTrouble) {
  const std::string deep =
      absl::StrCat(R"({"x":)", std::string(100'000, '['), std::string(100'000, ']'), "}");
  EXPECT_TRUE(ParseJwt(Unsigned(kHeader, deep)).ok());
}

TEST(JwtVerifierTest, ClaimsOfAnotherTypeAreAbsent) {
  const Jwt jwt = *ParseJwt(
      Unsigned(R"({"alg":["RS256"]})", R"({"iss":1,"sub":null,"aud":["https://a"],"exp":"9"})"));
  EXPECT_EQ(jwt.algorithm, "");
  EXPECT_EQ(jwt.issuer, std::nullopt);
  EXPECT_EQ(jwt.subject, std::nullopt);
  EXPECT_EQ(jwt.audience, std::nullopt);
  EXPECT_EQ(jwt.expiry, std::nullopt);
}

TEST(JwtVerifierTest, ExpiryIsAnInteger) {
  const auto expiry = [](absl::string_view number) {
    return ParseJwt(Unsigned(kHeader, absl::StrCat(R"({"exp":)", number, "}")))->expiry;
  };
  EXPECT_EQ(expiry("-5"), -5);
  EXPECT_EQ(expiry("9223372036854775808"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(expiry("18446744073709551616"), std::nullopt);
  EXPECT_EQ(expiry("1.5"), std::nullopt);
  EXPECT_EQ(expiry("1e3"), std::nullopt);
  EXPECT_EQ(expiry("true"), std::nullopt);
}

}  // namespace
}  // namespace keyward::standin
