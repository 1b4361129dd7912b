// An app with a key, and ways to try assertions on it.
#ifndef KEYWARD_TESTS_STANDIN_TOKEN_ENDPOINT_FIXTURE_H_
#define KEYWARD_TESTS_STANDIN_TOKEN_ENDPOINT_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/standin/testing/standin_process.h"

namespace keyward::testing {

inline constexpr char kPath[] = "/services/oauth2/token";
inline constexpr char kGrantType[] = "urn:ietf:params:oauth:grant-type:jwt-bearer";
inline constexpr char kEncodedGrantType[] = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
inline constexpr char kForm[] = "application/x-www-form-urlencoded";
inline constexpr char kUser[] = "user@example.com";
inline constexpr char kHeader[] = R"({"alg":"RS256"})";

inline constexpr char kInvalidAssertion[] = "400 invalid_grant: invalid assertion";
inline constexpr char kAudienceInvalid[] = "400 invalid_grant: audience is invalid";
inline constexpr char kExpired[] = "400 invalid_grant: expired authorization code";
inline constexpr char kClientInvalid[] = "400 invalid_client_id: client identifier invalid";
inline constexpr char kNotApproved[] = "400 invalid_grant: user hasn't approved this consumer";
inline constexpr char kGrantTypeUnsupported[] =
    "400 unsupported_grant_type: grant type not supported";
inline constexpr char kFormInvalid[] =
    "400 invalid_request: send exactly grant_type and assertion in the body";

// An answer as "status error: description", or "200".
inline std::string Summary(const httplib::Result& result) {
  if (!result) return httplib::to_string(result.error());
  EXPECT_EQ(result->get_header_value("Content-Type"), "application/json;charset=UTF-8");
  if (result->status == 200) return "200";
  const nlohmann::json body = nlohmann::json::parse(result->body);
  EXPECT_EQ(body.size(), 2U) << result->body;
  return absl::StrCat(result->status, " ", body["error"].get<std::string>(), ": ",
                      body["error_description"].get<std::string>());
}

class TokenEndpointTest : public ::testing::Test {
 protected:
  explicit TokenEndpointTest(const std::vector<std::string>& flags = {})
      : standin_(StandinProcess::Start(flags)),
        client_(standin_->Client()),
        consumer_key_(standin_->CreateApp({{"name", "acme"}, {"users", {kUser}}})) {
    EXPECT_EQ(standin_->UploadCertificate(consumer_key_, key_.certificate_pem), 204);
  }

  nlohmann::json Claims() const {
    return {{"iss", consumer_key_},
            {"sub", kUser},
            {"aud", "https://login.salesforce.com"},
            {"exp", absl::ToUnixSeconds(absl::Now()) + 180}};
  }
  nlohmann::json ClaimsWith(const std::string& name, const nlohmann::json& value) const {
    nlohmann::json claims = Claims();
    claims[name] = value;
    return claims;
  }
  nlohmann::json ClaimsWithout(const std::string& name) const {
    nlohmann::json claims = Claims();
    claims.erase(name);
    return claims;
  }
  std::string Assertion(const nlohmann::json& claims) const {
    return SignJwt(kHeader, claims.dump(), key_.key.get());
  }
  std::string Post(const std::string& assertion) const {
    return Summary(PostAssertion(*client_, assertion));
  }
  std::string Try(const nlohmann::json& claims) const { return Post(Assertion(claims)); }
  std::string PostBody(const std::string& body, const char* type = kForm) const {
    return Summary(client_->Post(kPath, body, type));
  }
  std::string GoodBody() const {
    return absl::StrCat("grant_type=", kEncodedGrantType, "&assertion=", Assertion(Claims()));
  }
  nlohmann::json Admin(const char* path) const {
    return nlohmann::json::parse(standin_->AdminClient().Get(path)->body);
  }

  const TestKey key_ = NewRsaKey();
  const std::unique_ptr<StandinProcess> standin_;
  const std::unique_ptr<httplib::SSLClient> client_;
  const std::string consumer_key_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_STANDIN_TOKEN_ENDPOINT_FIXTURE_H_
