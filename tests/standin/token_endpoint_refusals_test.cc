// The token endpoint of the real binary, over real HTTPS: requests that are wrong
// in themselves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/standin/token_endpoint_fixture.h"

namespace keyward::testing {
namespace {

using nlohmann::json;
using ::testing::StartsWith;

TEST_F(TokenEndpointTest, RefusesFormsThatAreNotTheFlows) {
  const std::string assertion = Assertion(Claims());
  const std::string grant_type = kEncodedGrantType;
  ASSERT_EQ(PostBody(GoodBody()), "200");
  EXPECT_EQ(PostBody(GoodBody(), "text/plain"), kGrantTypeUnsupported);
  EXPECT_EQ(PostBody(GoodBody(), "application/x-www-form-urlencoded2"), kGrantTypeUnsupported);
  EXPECT_EQ(PostBody(json({{"grant_type", kGrantType}, {"assertion", assertion}}).dump(),
                     "application/json"),
            kGrantTypeUnsupported);
  EXPECT_EQ(PostBody(""), kGrantTypeUnsupported);
  EXPECT_EQ(PostBody("assertion=" + assertion), kGrantTypeUnsupported);
  EXPECT_EQ(PostBody("grant_type=password&assertion=" + assertion), kGrantTypeUnsupported);
  EXPECT_EQ(PostBody("grant_type=" + grant_type + "x&assertion=" + assertion),
            kGrantTypeUnsupported);
  EXPECT_EQ(PostBody("grant_type=" + grant_type), kFormInvalid);
  EXPECT_EQ(PostBody(GoodBody() + "&assertion=" + assertion), kFormInvalid);
  EXPECT_EQ(PostBody(GoodBody() + "&grant_type=" + grant_type), kFormInvalid);
  EXPECT_EQ(PostBody(GoodBody() + "&client_secret=x"), kFormInvalid);
  EXPECT_EQ(PostBody("grant_type=" + grant_type + "&assertion="), kInvalidAssertion);
}

TEST_F(TokenEndpointTest, RefusesOtherMethodsAndTheQuery) {
  constexpr char kMustPost[] = "400 invalid_request: must use HTTP POST";
  const std::string query = absl::StrCat(kPath, "?", GoodBody());
  EXPECT_EQ(Summary(client_->Get(kPath)), kMustPost);
  EXPECT_EQ(Summary(client_->Get(query)), kMustPost);
  EXPECT_EQ(Summary(client_->Put(kPath, GoodBody(), kForm)), kMustPost);
  EXPECT_EQ(Summary(client_->Patch(kPath, GoodBody(), kForm)), kMustPost);
  EXPECT_EQ(Summary(client_->Delete(kPath)), kMustPost);
  EXPECT_EQ(Summary(client_->Post(query, "", kForm)), kFormInvalid);
}

TEST_F(TokenEndpointTest, RefusesAssertionsThatAreMalformed) {
  const std::string good = Assertion(Claims());
  const std::vector<std::string> parts = absl::StrSplit(good, '.');
  EXPECT_EQ(Post("x"), kInvalidAssertion);
  EXPECT_EQ(Post(parts[0] + "." + parts[1]), kInvalidAssertion);
  EXPECT_EQ(Post(good + "."), kInvalidAssertion);
  EXPECT_EQ(Post(good + "=="), kInvalidAssertion);
  EXPECT_EQ(Post(SignJwt(kHeader, "[]", key_.key.get())), kInvalidAssertion);
  EXPECT_EQ(Post(SignJwt("RS256", Claims().dump(), key_.key.get())), kInvalidAssertion);
  std::string twice = Claims().dump();
  twice.insert(1, R"("sub":"other@example.com",)");
  EXPECT_EQ(Post(SignJwt(kHeader, twice, key_.key.get())), kInvalidAssertion);
}

TEST_F(TokenEndpointTest, RefusesOtherAlgorithms) {
  const std::string claims = Claims().dump();
  EVP_PKEY* key = key_.key.get();
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"rs256"})", R"({"alg":"HS256"})", R"({"alg":"RS384"})",
        R"({"alg":"PS256"})", R"({"alg":""})", R"({"alg":["RS256"]})", R"({"typ":"JWT"})"}) {
    EXPECT_EQ(Post(SignJwt(header, claims, key)), kInvalidAssertion) << header;
  }
  EXPECT_EQ(Post(SignJwtWith(R"({"alg":"RS384"})", claims, key, "SHA384", false)),
            kInvalidAssertion);
  EXPECT_EQ(Post(SignJwtWith(kHeader, claims, key, "SHA384", false)), kInvalidAssertion);
  EXPECT_EQ(Post(SignJwtWith(kHeader, claims, key, "SHA256", true)), kInvalidAssertion);

  // Without a signature at all, and with the public certificate as HMAC's key.
  const std::string none = absl::StrCat(absl::WebSafeBase64Escape(R"({"alg":"none"})"), ".",
                                        absl::WebSafeBase64Escape(claims));
  EXPECT_EQ(Post(none + "."), kInvalidAssertion);
  const std::string input = absl::StrCat(absl::WebSafeBase64Escape(R"({"alg":"HS256"})"), ".",
                                         absl::WebSafeBase64Escape(claims));
  std::string mac(32, '\0');
  HMAC(EVP_sha256(), key_.certificate_pem.data(), static_cast<int>(key_.certificate_pem.size()),
       reinterpret_cast<const uint8_t*>(input.data()), input.size(),
       reinterpret_cast<uint8_t*>(mac.data()), nullptr);
  EXPECT_EQ(Post(absl::StrCat(input, ".", absl::WebSafeBase64Escape(mac))), kInvalidAssertion);
}

TEST_F(TokenEndpointTest, RefusesSignaturesThatAreNotTheCertificates) {
  EXPECT_EQ(Post(SignJwt(kHeader, Claims().dump(), NewRsaKey().key.get())), kInvalidAssertion);
  std::vector<std::string> parts = absl::StrSplit(Assertion(Claims()), '.');
  parts[1] = absl::WebSafeBase64Escape(ClaimsWith("sub", "admin@example.com").dump());
  EXPECT_EQ(Post(absl::StrJoin(parts, ".")), kInvalidAssertion);
  // One app's key does not sign for another.
  const std::string other = standin_->CreateApp({{"name", "other"}, {"users", {kUser}}});
  ASSERT_EQ(standin_->UploadCertificate(other, NewRsaKey().certificate_pem), 204);
  EXPECT_EQ(Try(ClaimsWith("iss", other)), kInvalidAssertion);
}

TEST_F(TokenEndpointTest, RefusesClaimsThatDoNotFit) {
  EXPECT_EQ(Try(ClaimsWithout("iss")), kClientInvalid);
  EXPECT_EQ(Try(ClaimsWith("iss", 7)), kClientInvalid);
  EXPECT_EQ(Try(ClaimsWith("iss", consumer_key_ + "x")), kClientInvalid);

  EXPECT_EQ(Try(ClaimsWithout("aud")), kAudienceInvalid);
  EXPECT_EQ(Try(ClaimsWith("aud", json::array({"https://login.salesforce.com"}))),
            kAudienceInvalid);
  for (const char* audience :
       {"", "/", "login.salesforce.com", "http://login.salesforce.com",
        "https://login.salesforce.com//", "https://LOGIN.salesforce.com",
        "https://login.salesforce.com/services/oauth2/token", "https://acme.my.salesforce.com"}) {
    EXPECT_EQ(Try(ClaimsWith("aud", audience)), kAudienceInvalid) << audience;
  }

  const int64_t now = absl::ToUnixSeconds(absl::Now());
  EXPECT_EQ(Try(ClaimsWithout("exp")), kExpired);
  EXPECT_EQ(Try(ClaimsWith("exp", now)), kExpired);
  EXPECT_EQ(Try(ClaimsWith("exp", 0)), kExpired);
  EXPECT_EQ(Try(ClaimsWith("exp", -now)), kExpired);
  EXPECT_EQ(Try(ClaimsWith("exp", absl::StrCat(now + 60))), kExpired);
  EXPECT_EQ(Try(ClaimsWith("exp", static_cast<double>(now) + 60.5)), kExpired);

  EXPECT_EQ(Try(ClaimsWithout("sub")), kNotApproved);
  EXPECT_EQ(Try(ClaimsWith("sub", "nobody@example.com")), kNotApproved);
  EXPECT_EQ(Try(ClaimsWith("sub", "USER@example.com")), kNotApproved);
}

TEST_F(TokenEndpointTest, TheFirstThingWrongIsTold) {
  json claims = {{"iss", "nobody"}, {"sub", "x"}, {"aud", "x"}, {"exp", 1}};
  EXPECT_EQ(Post(SignJwt(R"({"alg":"none"})", claims.dump(), key_.key.get())), kInvalidAssertion);
  EXPECT_EQ(Try(claims), kClientInvalid);
  claims["iss"] = consumer_key_;
  EXPECT_EQ(Post(SignJwt(kHeader, claims.dump(), NewRsaKey().key.get())), kInvalidAssertion);
  EXPECT_EQ(Try(claims), kAudienceInvalid);
  claims["aud"] = "https://test.salesforce.com";
  EXPECT_EQ(Try(claims), kExpired);
  claims["exp"] = Claims()["exp"];
  EXPECT_EQ(Try(claims), kNotApproved);
}

TEST_F(TokenEndpointTest, BodiesHaveLimits) {
  const httplib::Result large =
      client_->Post(kPath, GoodBody() + std::string(size_t{100} << 10, 'x'), kForm);
  ASSERT_TRUE(large);
  EXPECT_EQ(large->status, 413);
  EXPECT_THAT(large->get_header_value("Content-Type"), StartsWith("application/json"));

  // Refused by the header, so nothing need follow, which a closed connection
  // could cut off.
  const auto post = [&](const char* name, const char* value) {
    return Summary(client_->Post(kPath, {{name, value}}, "", kForm));
  };
  EXPECT_EQ(post("Transfer-Encoding", "chunked"), "411 invalid_request: send a Content-Length");
  EXPECT_EQ(post("Content-Encoding", "gzip"),
            "415 invalid_request: send the body without Content-Encoding");
  EXPECT_EQ(Summary(PostAssertion(*client_, Assertion(Claims()))), "200");
}

}  // namespace
}  // namespace keyward::testing
