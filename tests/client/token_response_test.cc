#include "client/token_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/salesforce_error.h"
#include "common/error.h"

namespace keyward::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJws[] = "aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl";

absl::StatusOr<AccessToken> Read(int status, std::string body) {
  HttpAnswer answer;
  answer.status = status;
  answer.body = Secret(std::move(body));
  return ReadTokenResponse(answer, Secret(std::string(kJws)));
}

std::optional<std::string> ReasonFor(int status, const std::string& body) {
  const absl::Status error = Read(status, body).status();
  EXPECT_THAT(std::string(error.message()), Not(HasSubstr("s3cret"))) << body;
  return ReasonOf(error);
}

TEST(TokenResponseTest, ReadsAGrant) {
  const auto granted =
      Read(200, R"({"access_token":"00D!x.y","token_type":"bearer","id":"https://i",
      "instance_url":"https://acme.my.salesforce.com","scope":"api","issued_at":1,"new":{"a":[]}})");
  ASSERT_TRUE(granted.ok()) << granted.status();
  EXPECT_EQ(granted->token.Expose(), "00D!x.y");
  EXPECT_EQ(granted->instance_url, "https://acme.my.salesforce.com");
  EXPECT_EQ(granted->id, "https://i");
  EXPECT_EQ(granted->scope, "api");
}

TEST(TokenResponseTest, IdAndScopeMayBeMissing) {
  EXPECT_TRUE(
      Read(200, R"({"access_token":"a","token_type":"Bearer","instance_url":"https://a"})").ok());
}

TEST(TokenResponseTest, RefusesWhatIsNotOneJsonObject) {
  for (const char* body : {"", "null", "[]", "<html>s3cret</html>", R"({"access_token":"s3cret")",
                           R"({"access_token":"s3cret"} x)", "{\"access_token\":\"s3cret\xff\"}"}) {
    EXPECT_EQ(ReasonFor(200, body), "RESPONSE_MALFORMED") << body;
    EXPECT_EQ(ReasonFor(400, body), "RESPONSE_MALFORMED") << body;
  }
}

TEST(TokenResponseTest, RefusesWrongAndMissingMembers) {
  const std::string token = R"("access_token":"s3cret")";
  const std::string type = R"("token_type":"Bearer")";
  const std::string url = R"("instance_url":"https://a")";
  for (const std::string& members : {
           type + "," + url,
           token + "," + url,
           token + "," + type,
           R"("access_token":1,)" + type + "," + url,
           R"("access_token":null,)" + type + "," + url,
           R"("access_token":["s3cret"],)" + type + "," + url,
           R"("access_token":"",)" + type + "," + url,
           R"("access_token":"s3cret\r\nX-Evil: 1",)" + type + "," + url,
           R"("access_token":"s3cret \u00e9",)" + type + "," + url,
           token + R"(,"token_type":"mac",)" + url,
           token + R"(,"token_type":true,)" + url,
           token + "," + type + R"(,"instance_url":"http://a")",
           token + "," + type + R"(,"instance_url":"https://a\nb")",
           token + "," + type + R"(,"instance_url":{})",
           token + "," + type + "," + url + R"(,"id":7)",
           token + "," + type + "," + url + R"(,"scope":["api"])",
           token + "," + type + "," + url + "," + token,
       }) {
    EXPECT_EQ(ReasonFor(200, "{" + members + "}"), "RESPONSE_MALFORMED") << members;
  }
}

TEST(TokenResponseTest, ARefusalCarriesWhatSalesforceSaid) {
  const absl::Status error =
      Read(400, R"({"error":"invalid_grant","error_description":"invalid assertion"})").status();
  EXPECT_EQ(ReasonOf(error), "INVALID_ASSERTION");
  EXPECT_EQ(SalesforceErrorOf(error)->error, "invalid_grant");
  EXPECT_EQ(SalesforceErrorOf(error)->description, "invalid assertion");
}

TEST(TokenResponseTest, RefusalsOfWrongTypesAreMalformed) {
  for (const char* body :
       {R"({})", R"({"error":1})", R"({"error":""})", R"({"error":"x","error_description":1})",
        R"([{"errorCode":"X","message":"y"}])"}) {
    EXPECT_EQ(ReasonFor(400, body), "RESPONSE_MALFORMED") << body;
  }
}

TEST(TokenResponseTest, AnEchoOfTheAssertionIsTakenOut) {
  const absl::Status error =
      Read(400, std::string(R"({"error":"c2lnbmF0dXJl","error_description":"bad )") + kJws +
                    R"( or c2lnbmF0dXJl"})")
          .status();
  EXPECT_THAT(error.ToString(),
              AllOf(HasSubstr("bad "), Not(HasSubstr("c2lnbmF0dXJl")), Not(HasSubstr("Y2xhaW1z"))));
}

TEST(TokenResponseTest, WhatIsShownIsCutAndHasNoControlCharacters) {
  const absl::Status error = Read(400, R"({"error":"e","error_description":"\u001b[2J\n)" +
                                           std::string(5000, 'x') + R"("})")
                                 .status();
  EXPECT_THAT(std::string(error.message()), AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\n"))));
  EXPECT_LT(error.message().size(), 1000U);
}

TEST(TokenResponseTest, FaultsOfTheHostMayBeTriedAgain) {
  for (const int status : {429, 500, 503}) {
    const absl::Status error = Read(status, "s3cret").status();
    EXPECT_EQ(error.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(error), "SALESFORCE_TRANSIENT");
  }
}

}  // namespace
}  // namespace keyward::client
