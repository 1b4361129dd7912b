// userinfo, revocation, and what the REST API refuses, over real HTTPS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/standin/token_endpoint_fixture.h"

namespace keyward::testing {
namespace {

using nlohmann::json;

class OauthApiTest : public TokenEndpointTest {
 protected:
  json LogIn() const { return json::parse(PostAssertion(*client_, Assertion(Claims()))->body); }
  std::string Token() const { return LogIn()["access_token"]; }

  httplib::Headers As(const std::string& token) const {
    return {{"Authorization", "Bearer " + token}};
  }
  // "status", and errorCode and message of what is refused.
  static std::string Told(const httplib::Result& result) {
    if (!result) return httplib::to_string(result.error());
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/json;charset=UTF-8");
    if (result->status < 400) return absl::StrCat(result->status);
    const json body = json::parse(result->body);
    return absl::StrCat(result->status, " ", body[0]["errorCode"].get<std::string>(), ": ",
                        body[0]["message"].get<std::string>());
  }
  std::string Call(const std::string& token, const std::string& path = "/services/data/v62.0") {
    return Told(client_->Get(path, As(token)));
  }
  std::string Revoke(const std::string& body) const {
    return Summary(client_->Post("/services/oauth2/revoke", body, kForm));
  }
  void Policy(const json& fields) const {
    standin_->Admin("PATCH", "/apps/" + consumer_key_, fields);
  }

  static constexpr char kUserInfo[] = "/services/oauth2/userinfo";
  static constexpr char kDead[] = "401 INVALID_SESSION_ID: Session expired or invalid";
  static constexpr char kNotForRest[] =
      "401 INVALID_SESSION_ID: This session is not valid for use with the REST API";
};

TEST_F(OauthApiTest, UserInfoSaysWhoTheUserIs) {
  const json login = LogIn();
  const httplib::Headers bearer = As(login["access_token"]);
  for (const httplib::Result& result :
       {client_->Get(kUserInfo, bearer), client_->Post(kUserInfo, bearer, "", kForm)}) {
    ASSERT_EQ(Told(result), "200");
    const json who = json::parse(result->body);
    EXPECT_EQ(who["sub"], login["id"]);
    EXPECT_EQ(who["preferred_username"], kUser);
    const std::vector<std::string> id = absl::StrSplit(login["id"].get<std::string>(), '/');
    EXPECT_EQ(who["organization_id"], id[4]);
    EXPECT_EQ(who["user_id"], id[5]);
  }
  EXPECT_EQ(Call("wrong", kUserInfo), kDead);
  EXPECT_EQ(Told(client_->Get(kUserInfo)), kDead);
}

TEST_F(OauthApiTest, RevokingEndsOneSession) {
  const std::string first = Token();
  const std::string second = Token();
  EXPECT_EQ(Revoke("token_type_hint=refresh_token&token=" + first),
            "400 unsupported_token_type: this token type is not supported");
  EXPECT_EQ(Revoke("token=wrong"), "400 invalid_token: invalid token");
  EXPECT_EQ(Revoke(""), "400 invalid_token: invalid token");
  EXPECT_EQ(Call(first), "200");
  EXPECT_EQ(Revoke("token=" + first), "200");
  EXPECT_EQ(Revoke("token=" + first), "400 invalid_token: invalid token");
  EXPECT_EQ(Call(first), kDead);
  EXPECT_EQ(Call(second), "200");
  EXPECT_EQ(Summary(client_->Get("/services/oauth2/revoke?token=" + second)), "200");
  EXPECT_EQ(Call(second), kDead);
  EXPECT_EQ(standin_->Journal("endpoint=/services/oauth2/revoke").dump().find(second),
            std::string::npos);
}

TEST_F(OauthApiTest, WhoMayNotUseTheApiIsTold) {
  const std::string token = Token();
  standin_->Admin("PUT", "/users/user@example.com", {{"api_enabled", false}});
  EXPECT_EQ(Call(token),
            "403 API_DISABLED_FOR_ORG: The REST API is not enabled for this Organization.");
  standin_->Admin("PUT", "/users/user@example.com", {{"api_enabled", true}});
  EXPECT_EQ(Call(token), "200");

  Policy({{"scopes", {"refresh_token", "id"}}});
  const std::string narrow = Token();
  EXPECT_EQ(Call(narrow), kNotForRest);
  EXPECT_EQ(Call(narrow, kUserInfo), "200");
  EXPECT_EQ(Call(token), "200") << "a session keeps the scopes that it was given";
}

TEST_F(OauthApiTest, ClientsFindTheUserTheirWay) {
  // As the sf command does with a bare token: userinfo, then the record.
  const std::string token = Token();
  const std::string id =
      json::parse(client_->Get(kUserInfo, As(token))->body)["user_id"].get<std::string>();
  const httplib::Result record =
      client_->Get("/services/data/v62.0/sobjects/User/" + id, As(token));
  ASSERT_EQ(Told(record), "200");
  EXPECT_EQ(json::parse(record->body)["Username"], kUser);
  EXPECT_EQ(Call(token, "/services/data/v62.0/sobjects/User/005000000000000AAA"),
            "404 NOT_FOUND: The requested resource does not exist");
  const httplib::Result described =
      client_->Get("/services/data/v62.0/sobjects/User/describe", As(token));
  ASSERT_EQ(Told(described), "200");
  EXPECT_EQ(json::parse(described->body)["name"], "User");
  EXPECT_EQ(Call(token, "/services/data/v62.0/sobjects"), "200");
  EXPECT_EQ(Call(token, "/services/data/v62.0/limits"), "200");
}

TEST_F(OauthApiTest, TheAdministratorEndsSessions) {
  const std::string first = Token();
  const std::string second = Token();
  const json sessions = standin_->Admin("GET", "/sessions");
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_EQ(standin_->Admin("POST", "/sessions/revoke", {{"id", sessions[1]["id"]}})["ended"], 1);
  EXPECT_EQ(Call(first), "200");
  EXPECT_EQ(Call(second), kDead);
  EXPECT_EQ(standin_->Admin("POST", "/sessions/revoke", {{"access_token", first}})["ended"], 1);
  EXPECT_EQ(Call(first), kDead);
  const std::string third = Token();
  EXPECT_EQ(standin_->Admin("POST", "/sessions/revoke", {{"username", "other"}})["ended"], 0);
  EXPECT_EQ(Call(third), "200");
  EXPECT_EQ(standin_->Admin("POST", "/sessions/revoke", {{"username", kUser}})["ended"], 1);
  EXPECT_EQ(Call(third), kDead);
}

TEST_F(OauthApiTest, SessionsLiveAsLongAsTheAppSays) {
  Policy({{"session_seconds", 60}});
  const std::string token = Token();
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 40}});
  EXPECT_EQ(Call(token), "200");
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 40}});
  EXPECT_EQ(Call(token), "200") << "use extends it";
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 61}});
  EXPECT_EQ(Call(token), kDead);
}

TEST_F(OauthApiTest, JwtTokensEndAtTheirExp) {
  Policy({{"session_seconds", 60}, {"token_format", "jwt"}});
  const std::string token = Token();
  const std::vector<std::string> parts = absl::StrSplit(token, '.');
  ASSERT_EQ(parts.size(), 3U);
  std::string text;
  ASSERT_TRUE(absl::WebSafeBase64Unescape(parts[1], &text));
  const json claims = json::parse(text);
  EXPECT_EQ(claims["exp"].get<int64_t>() - claims["iat"].get<int64_t>(), 60);
  EXPECT_EQ(claims["client_id"], consumer_key_);
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 40}});
  EXPECT_EQ(Call(token), "200");
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 40}});
  EXPECT_EQ(Call(token), kDead) << "use does not extend it";
}

TEST_F(OauthApiTest, LoginsShareASessionWhereTheAppSaysSo) {
  Policy({{"reuse_session", true}});
  const std::string token = Token();
  EXPECT_EQ(Token(), token);
  EXPECT_EQ(standin_->Admin("GET", "/sessions").size(), 1U);
  EXPECT_EQ(Revoke("token=" + token), "200");
  EXPECT_NE(Token(), token);
  Policy({{"reuse_session", false}});
  EXPECT_NE(Token(), Token());
}

TEST_F(OauthApiTest, TheAnswerHasTheFieldsThatTheAppSays) {
  Policy({{"response_fields", {"signature", "sfdc_community_url"}},
          {"instance_url", "https://acme.my.salesforce.com"}});
  const json login = LogIn();
  EXPECT_EQ(login["instance_url"], "https://acme.my.salesforce.com");
  EXPECT_FALSE(login.contains("issued_at"));
  std::string mac;
  ASSERT_TRUE(absl::Base64Unescape(login["signature"].get<std::string>(), &mac));
  EXPECT_EQ(mac.size(), 32U);
  EXPECT_TRUE(login.contains("sfdc_community_url"));
}

}  // namespace
}  // namespace keyward::testing
