#include "client/token_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/salesforce_error.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJws[] = "aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl";

absl::StatusOr<AccessToken> Read(int status, std::string body) {
  HttpsAnswer answer;
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

TEST(TokenResponseTest, RefusesWhatIsNestedTooDeep) {
  const std::string open(32 << 10, '[');
  const std::string close(32 << 10, ']');
  const auto with = [](int levels) {
    return absl::StrCat(R"({"error":"x","error_description":"d","new":)", std::string(levels, '['),
                        std::string(levels, ']'), "}");
  };
  for (const std::string& body : {open, open + close, with(32), with(30'000)}) {
    EXPECT_EQ(ReasonFor(200, body), "RESPONSE_MALFORMED");
    EXPECT_EQ(ReasonFor(400, body), "RESPONSE_MALFORMED");
  }
  EXPECT_EQ(ReasonFor(400, with(31)), "SALESFORCE_REFUSED");
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

TEST(TokenResponseTest, AnErrorHasTheStatusOfItsAnswer) {
  const auto status = [](int status, const std::string& body) {
    return MetadataOf(Read(status, body).status())[kHttpStatusKey];
  };
  EXPECT_EQ(status(503, "<html>"), "503");
  EXPECT_EQ(status(429, ""), "429");
  EXPECT_EQ(status(400, R"({"error":"unknown_error","error_description":"retry"})"), "400");
}

TEST(TokenResponseTest, AnEchoOfTheAssertionIsTakenOut) {
  const absl::Status error =
      Read(400, std::string(R"({"error":"c2lnbmF0dXJl","error_description":"bad )") + kJws +
                    R"( or c2lnbmF0dXJl"})")
          .status();
  EXPECT_THAT(error.ToString(),
              AllOf(HasSubstr("bad "), Not(HasSubstr("c2lnbmF0dXJl")), Not(HasSubstr("Y2xhaW1z"))));
}

TEST(TokenResponseTest, WhatIsShownIsCutAndPlaysNoTricks) {
  // ESC, a line end, C1's CSI, right-to-left override, and an umlaut.
  const absl::Status error =
      Read(400, R"({"error":"e","error_description":"\u001b[2J\n\u009b2J\u202e\u00e4)" +
                    std::string(5000, 'x') + R"("})")
          .status();
  EXPECT_THAT(std::string(error.message()), HasSubstr("e: ?[2J??2J?\xc3\xa4xxx"));
  EXPECT_LT(error.message().size(), 1000U);
  EXPECT_TRUE(IsValidUtf8(SalesforceErrorOf(error)->description));
}

TEST(TokenResponseTest, WhatIsCutIsWholeCharacters) {
  for (int before = 0; before < 4; ++before) {
    std::string text(before, 'x');
    for (int i = 0; i < 1000; ++i) text += "\xf0\x9f\x98\x80";
    const absl::Status error =
        Read(400, R"({"error":"e","error_description":")" + text + R"("})").status();
    EXPECT_TRUE(IsValidUtf8(error.message())) << before;
    EXPECT_GT(error.message().size(), 500U);
  }
}

TEST(TokenResponseTest, ALocationIsShownSafely) {
  HttpsAnswer answer;
  answer.status = 302;
  answer.location = "https://evil/\x1b\xff\xe2\x80\xae" + std::string(kJws);
  const absl::Status error = ReadTokenResponse(answer, Secret(std::string(kJws))).status();
  EXPECT_EQ(ReasonOf(error), "LOGIN_HOST_REDIRECTS");
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("'https://evil/???[removed].[removed].[removed]'"));
}

std::string Part(absl::string_view json) { return absl::WebSafeBase64Escape(json); }

std::optional<absl::Time> ExpiryOf(const std::string& token) {
  const auto granted = Read(200, R"({"access_token":")" + token +
                                     R"(","token_type":"Bearer","instance_url":"https://a"})");
  EXPECT_TRUE(granted.ok()) << granted.status();
  return granted.ok() ? granted->expires : std::nullopt;
}

TEST(TokenResponseTest, AJwtSaysWhenItExpires) {
  const std::string head = Part(R"({"alg":"RS256"})") + ".";
  EXPECT_EQ(ExpiryOf(head + Part(R"({"exp":1700000000})") + ".s"),
            absl::FromUnixSeconds(1700000000));
  EXPECT_EQ(ExpiryOf(head + Part(R"({"exp":1700000000.9})") + ".s"),
            absl::FromUnixSeconds(1700000000));
  for (const std::string& token :
       {std::string("00Dxx!AQ0AQ.token"), head + Part(R"({"exp":1700000000})"),
        head + Part(R"({"exp":1700000000})") + ".", head + Part(R"({"exp":1700000000})") + ".s.t",
        head + Part(R"({})") + ".s", head + Part(R"({"exp":"1700000000"})") + ".s",
        head + Part(R"({"exp":-1})") + ".s", head + Part(R"({"exp":1e300})") + ".s",
        head + Part(R"([1700000000])") + ".s", head + Part(R"({"exp":1,"exp":2})") + ".s",
        head + Part("no json") + ".s", head + "!!!.s",
        Part("no json") + "." + Part(R"({"exp":1700000000})") + ".s"}) {
    EXPECT_EQ(ExpiryOf(token), std::nullopt) << token;
  }
}

std::optional<absl::Duration> DelayFor(int status, absl::Duration retry_after,
                                       const std::string& body = "") {
  HttpsAnswer answer;
  answer.status = status;
  answer.retry_after = retry_after;
  answer.body = Secret(std::string(body));
  return RetryDelayOf(ReadTokenResponse(answer, Secret(std::string(kJws))).status());
}

TEST(TokenResponseTest, RetryAfterIsBounded) {
  for (const int status : {429, 500, 502, 503}) {
    EXPECT_EQ(DelayFor(status, absl::Seconds(90)), absl::Seconds(90));
    EXPECT_EQ(DelayFor(status, absl::ZeroDuration()), absl::Seconds(1));
    EXPECT_EQ(DelayFor(status, absl::Hours(100)), absl::Hours(1));
  }
  EXPECT_EQ(DelayFor(400, absl::Seconds(90), R"({"error":"unknown_error"})"), absl::Seconds(90));
  EXPECT_EQ(DelayFor(400, absl::Seconds(90), R"({"error":"invalid_client"})"), std::nullopt);
}

TEST(TokenResponseTest, WhatSalesforceSaysWithA500IsKept) {
  const absl::Status error = Read(500, R"({"error":"unknown_error"})").status();
  EXPECT_EQ(ReasonOf(error), "SALESFORCE_TRANSIENT");
  EXPECT_TRUE(SalesforceErrorOf(error).has_value());
  // A fault of the host is a passing one whatever it says.
  EXPECT_EQ(ReasonOf(Read(500, R"({"error":"invalid_grant"})").status()), "SALESFORCE_TRANSIENT");
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
