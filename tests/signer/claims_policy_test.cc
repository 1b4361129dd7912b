#include "signer/claims_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/error.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kNow = 1800000000;
constexpr char kKey[] = "3MVG9.key";
constexpr ClaimsLimits kLimits = {.max_lifetime = absl::Seconds(300),
                                  .clock_skew = absl::Seconds(60)};

registry::ConnectionSettings Settings() {
  registry::ConnectionSettings settings;
  settings.consumer_key = kKey;
  settings.subjects = {"user@example.com", "j\xC3\xBCrgen@example.com"};
  settings.audiences = {"https://login.salesforce.com", "https://acme.my.salesforce.com"};
  settings.subject_patterns = {"integration-*@acme.example", "*.svc@acme.example"};
  return settings;
}

absl::StatusOr<AcceptedClaims> Check(absl::string_view claims) {
  return CheckClaims(claims, Settings(), absl::FromUnixSeconds(kNow), kLimits);
}

// Claims that are accepted, with `from` replaced by `to`.
constexpr absl::string_view kGood =
    R"({"iss":"3MVG9.key","sub":"user@example.com","aud":"https://login.salesforce.com","exp":1800000180})";

std::string With(absl::string_view from, absl::string_view to) {
  std::string claims = absl::StrReplaceAll(kGood, {{from, to}});
  EXPECT_NE(claims, kGood) << from;
  return claims;
}

std::string Plus(absl::string_view claim) {
  return absl::StrCat(kGood.substr(0, kGood.size() - 1), ",", claim, "}");
}

TEST(ClaimsPolicyTest, AcceptsWhatTheConnectionMaySay) {
  const auto accepted = Check(kGood);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->exp, absl::FromUnixSeconds(kNow + 180));
  EXPECT_EQ(accepted->sub, "user@example.com");
  EXPECT_EQ(accepted->aud, "https://login.salesforce.com");
}

TEST(ClaimsPolicyTest, AcceptsEveryFormThatJsonAllows) {
  for (const std::string& claims :
       {absl::StrCat(" \r\n\t", kGood, "\n "), With("\"iss\"", R"("\u0069ss")"),
        With("user@", R"(user\u0040)"), With("https://login", R"(https:\/\/login)"),
        With("user@example.com", "j\xC3\xBCrgen@example.com"),
        With("user@example.com", R"(j\u00fcrgen@example.com)"),
        With("login.salesforce.com", "acme.my.salesforce.com"),
        Plus(R"("iat":1799999999,"nbf":1800000060,"jti":"1\ud83d\ude00")"),
        Plus(R"("iat":1800000060,"nbf":0)"), Plus(R"("iat":1799999640,"nbf":1800000060)"),
        Plus(R"("jti":"a b")"), Plus(absl::StrCat("\"jti\":\"", std::string(255, 'j'), "\"")),
        absl::StrCat(kGood, std::string(kMaxClaimsBytes - kGood.size(), ' '))}) {
    EXPECT_TRUE(Check(claims).ok()) << claims << "\n" << Check(claims).status();
  }
}

struct Refusal {
  std::string claims;
  const char* reason;
};

void ExpectRefusals(const std::vector<Refusal>& refusals, absl::StatusCode code) {
  for (const auto& [claims, reason] : refusals) {
    const absl::Status status = Check(claims).status();
    EXPECT_EQ(status.code(), code) << claims << "\n" << status;
    EXPECT_EQ(ReasonOf(status), reason) << claims << "\n" << status;
    EXPECT_FALSE(status.message().empty());
  }
}

TEST(ClaimsPolicyTest, RefusesWhatIsNotOneJsonObject) {
  const std::string good(kGood);
  ExpectRefusals(
      {
          {"", "CLAIMS_NOT_JSON"},
          {" ", "CLAIMS_NOT_JSON"},
          {"{", "CLAIMS_NOT_JSON"},
          {good.substr(0, good.size() - 1), "CLAIMS_NOT_JSON"},
          {good + good, "CLAIMS_NOT_JSON"},
          {good + ",", "CLAIMS_NOT_JSON"},
          {good + "x", "CLAIMS_NOT_JSON"},
          {good + std::string("\0", 1), "CLAIMS_NOT_JSON"},
          {good + std::string("\0{}", 3), "CLAIMS_NOT_JSON"},
          {std::string("\0", 1) + good, "CLAIMS_NOT_JSON"},
          {"\xEF\xBB\xBF" + good, "CLAIMS_NOT_JSON"},
          {good + "\xEF\xBB\xBF", "CLAIMS_NOT_JSON"},
          {std::string("\xFF\xFE{\0", 4), "CLAIMS_NOT_JSON"},
          {"/* c */" + good, "CLAIMS_NOT_JSON"},
          {good + "// c", "CLAIMS_NOT_JSON"},
          {With(",\"aud\"", ",/**/\"aud\""), "CLAIMS_NOT_JSON"},
          {With(",\"aud\"", ",,\"aud\""), "CLAIMS_NOT_JSON"},
          {With("1800000180}", "18000001"), "CLAIMS_NOT_JSON"},
          {With("login.salesforce.com\"", "login"), "CLAIMS_NOT_JSON"},
          {With("login.salesforce.com\"", "login\\"), "CLAIMS_NOT_JSON"},
          {With("login.salesforce.com\"", "login\\u00"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "- 1"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "-"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "-Infinity"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "1_800_000_180"), "CLAIMS_NOT_JSON"},
          {With("1800000180", ".5"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "1e"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "True"), "CLAIMS_NOT_JSON"},
          {With("}", ",}"), "CLAIMS_NOT_JSON"},
          {With("{", "{,"), "CLAIMS_NOT_JSON"},
          {With("\"exp\"", "exp"), "CLAIMS_NOT_JSON"},
          {With("\"exp\"", "'exp'"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "01800000180"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "+1800000180"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "0x6B49D200"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "1800000180."), "CLAIMS_NOT_JSON"},
          {With("1800000180", "NaN"), "CLAIMS_NOT_JSON"},
          {With("1800000180", "Infinity"), "CLAIMS_NOT_JSON"},
          {With("user@", "user\n@"), "CLAIMS_NOT_JSON"},
          {With("user@", "user\\x40"), "CLAIMS_NOT_JSON"},
          {Plus(R"("jti":"\ud800")"), "CLAIMS_NOT_JSON"},
          {Plus(R"("jti":"\udc00")"), "CLAIMS_NOT_JSON"},
          {Plus(R"("jti":"\ud800\u0041")"), "CLAIMS_NOT_JSON"},
          {Plus(R"("jti":"\ud800\ud800")"), "CLAIMS_NOT_JSON"},
          {"[]", "CLAIMS_NOT_OBJECT"},
          {"[" + good + "]", "CLAIMS_NOT_OBJECT"},
          {"\"iss\"", "CLAIMS_NOT_OBJECT"},
          {"1", "CLAIMS_NOT_OBJECT"},
          {"-1", "CLAIMS_NOT_OBJECT"},
          {"1.5", "CLAIMS_NOT_OBJECT"},
          {"1e999", "CLAIMS_NOT_OBJECT"},
          {"null", "CLAIMS_NOT_OBJECT"},
          {"true", "CLAIMS_NOT_OBJECT"},
          {Plus("\"jti\":\"\xFF\""), "CLAIMS_NOT_UTF8"},
          {Plus("\"jti\":\"\xC0\xAF\""), "CLAIMS_NOT_UTF8"},
          {Plus("\"jti\":\"\xE0\x80\xAF\""), "CLAIMS_NOT_UTF8"},
          {Plus("\"jti\":\"\xF0\x80\x80\xAF\""), "CLAIMS_NOT_UTF8"},
          {With("iss", "\xC1\xA9ss"), "CLAIMS_NOT_UTF8"},
          {Plus("\"jti\":\"\xED\xA0\x80\""), "CLAIMS_NOT_UTF8"},
          {Plus("\"jti\":\"\xF4\x90\x80\x80\""), "CLAIMS_NOT_UTF8"},
          {good + "\xFF", "CLAIMS_NOT_UTF8"},
          {good + std::string(kMaxClaimsBytes + 1 - good.size(), ' '), "CLAIMS_TOO_LONG"},
          {std::string(1 << 20, '['), "CLAIMS_TOO_LONG"},
          {std::string(kMaxClaimsBytes, '['), "CLAIMS_NOT_OBJECT"},
          {std::string(kMaxClaimsBytes, '{'), "CLAIMS_NOT_JSON"},
      },
      absl::StatusCode::kInvalidArgument);
}

TEST(ClaimsPolicyTest, RefusesNames) {
  ExpectRefusals(
      {
          {Plus(R"("iss":"3MVG9.key")"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("\u0069ss":"3MVG9.key")"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("iss":"other")"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("exp":1)"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("iat":1,"iat":1)"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("\u0065\u0078\u0070":1800000180)"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("\u0073ub":"integration-1@acme.example")"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("jti":"a","j\u0074\u0069":"a")"), "CLAIMS_DUPLICATE_NAME"},
          {Plus(R"("\u0000":"x")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("\u0000iss":"x")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("\ud83d\ude00":"x")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus("\"x\":" + std::string(3000, '[')), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("scope":"api")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("":"x")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("ISS":"x")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("iss ":"x")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("iss\u0000":"x")"), "CLAIMS_UNKNOWN_NAME"},
          {Plus(R"("cnf":{"jwk":{}})"), "CLAIMS_UNKNOWN_NAME"},
          {"{}", "CLAIMS_ISS_MISSING"},
          {With(R"("iss":"3MVG9.key",)", ""), "CLAIMS_ISS_MISSING"},
          {With(R"("sub":"user@example.com",)", ""), "CLAIMS_SUB_MISSING"},
          {With(R"("aud":"https://login.salesforce.com",)", ""), "CLAIMS_AUD_MISSING"},
          {With(R"(,"exp":1800000180)", ""), "CLAIMS_EXP_MISSING"},
      },
      absl::StatusCode::kInvalidArgument);
}

TEST(ClaimsPolicyTest, RefusesWrongTypes) {
  std::vector<Refusal> refusals;
  for (const char* value : {"1", "-1", "1.5", "1e999", "null", "true", "[]", "{}", "[\"a\"]",
                            "[[[[[[[[", "{\"a\":{\"a\":{", R"(["https://login.salesforce.com"])"}) {
    refusals.push_back({With("\"3MVG9.key\"", value), "CLAIMS_ISS_NOT_STRING"});
    refusals.push_back({With("\"user@example.com\"", value), "CLAIMS_SUB_NOT_STRING"});
    refusals.push_back({With("\"https://login.salesforce.com\"", value), "CLAIMS_AUD_NOT_STRING"});
    refusals.push_back({Plus(absl::StrCat("\"jti\":", value)), "CLAIMS_JTI_NOT_STRING"});
  }
  for (const char* value : {"\"1800000180\"",
                            "1800000180.0",
                            "1.8e9",
                            "1800000180e0",
                            "1E9",
                            "1e999",
                            "-0",
                            "-1",
                            "-0.0",
                            "9223372036854775808",
                            "18446744073709551615",
                            "18446744073709551616",
                            "99999999999999999999999999",
                            "1.0",
                            "0.0",
                            "1e-400",
                            "-9223372036854775809",
                            "null",
                            "false",
                            "[1800000180]",
                            "{}"}) {
    refusals.push_back({With("1800000180", value), "CLAIMS_EXP_NOT_INTEGER"});
    refusals.push_back({Plus(absl::StrCat("\"iat\":", value)), "CLAIMS_IAT_NOT_INTEGER"});
    refusals.push_back({Plus(absl::StrCat("\"nbf\":", value)), "CLAIMS_NBF_NOT_INTEGER"});
  }
  refusals.push_back(
      {Plus(absl::StrCat("\"jti\":\"", std::string(256, 'j'), "\"")), "CLAIMS_JTI_TOO_LONG"});
  for (const char* jti : {"", R"(\u0000)", R"(a\nb)", R"(\u007f)", R"(\u0085)", "\xC2\x9B",
                          R"(\u202e)", "\xE2\x81\xA6", "\x7F"}) {
    refusals.push_back({Plus(absl::StrCat("\"jti\":\"", jti, "\"")), "CLAIMS_JTI_INVALID"});
  }
  ExpectRefusals(refusals, absl::StatusCode::kInvalidArgument);
}

TEST(ClaimsPolicyTest, RefusesWhatTheConnectionMayNotSay) {
  ExpectRefusals(
      {
          {With("3MVG9.key", "3MVG9.other"), "CLAIMS_ISS_MISMATCH"},
          {With("3MVG9.key", "3MVG9.ke"), "CLAIMS_ISS_MISMATCH"},
          {With("3MVG9.key", R"(3MVG9.key\u0000)"), "CLAIMS_ISS_MISMATCH"},
          {With("3MVG9.key", ""), "CLAIMS_ISS_MISMATCH"},
          {With("user@", "USER@"), "CLAIMS_SUB_NOT_ALLOWED"},
          {With("user@", ""), "CLAIMS_SUB_NOT_ALLOWED"},
          {With("https://login", "https://evil"), "CLAIMS_AUD_NOT_ALLOWED"},
          {With("salesforce.com", "salesforce.com/"), "CLAIMS_AUD_NOT_ALLOWED"},
          {With("1800000180", "1800000000"), "CLAIMS_EXP_PAST"},
          {With("1800000180", "0"), "CLAIMS_EXP_PAST"},
          {With("1800000180", "1800000301"), "CLAIMS_EXP_TOO_FAR"},
          {With("1800000180", "1800000180000"), "CLAIMS_EXP_TOO_FAR"},
          {With("1800000180", "9223372036854775807"), "CLAIMS_EXP_TOO_FAR"},
          {Plus(R"("nbf":1800000061)"), "CLAIMS_NBF_FUTURE"},
          {Plus(R"("nbf":9223372036854775807)"), "CLAIMS_NBF_FUTURE"},
          {Plus(R"("iat":1800000061)"), "CLAIMS_IAT_FUTURE"},
          {Plus(R"("iat":9223372036854775807)"), "CLAIMS_IAT_FUTURE"},
          {Plus(R"("iat":1800000180000)"), "CLAIMS_IAT_FUTURE"},
          {Plus(R"("iat":1799999639)"), "CLAIMS_IAT_PAST"},
          {Plus(R"("iat":0)"), "CLAIMS_IAT_PAST"},
          {With("1800000180", R"(1800000030,"iat":1800000031)"), "CLAIMS_IAT_AFTER_EXP"},
          {With("1800000180", R"(1800000030,"nbf":1800000030)"), "CLAIMS_NBF_AFTER_EXP"},
      },
      absl::StatusCode::kPermissionDenied);
}

TEST(ClaimsPolicyTest, ExpIsExactToTheMoment) {
  const auto check = [](absl::Duration after_now) {
    return CheckClaims(kGood, Settings(), absl::FromUnixSeconds(kNow) + after_now,
                       {.max_lifetime = absl::Seconds(180), .clock_skew = absl::Hours(1)})
        .ok();
  };
  EXPECT_TRUE(check(absl::ZeroDuration()));
  EXPECT_FALSE(check(-absl::Nanoseconds(1)));
  EXPECT_TRUE(check(absl::Seconds(180) - absl::Nanoseconds(1)));
  EXPECT_FALSE(check(absl::Seconds(180)));
}

TEST(ClaimsPolicyTest, IatAndNbfMayReachUpToExp) {
  EXPECT_TRUE(Check(With("1800000180", R"(1800000030,"iat":1800000030)")).ok());
  EXPECT_TRUE(Check(With("1800000180", R"(1800000030,"nbf":1800000029)")).ok());
}

TEST(ClaimsPolicyTest, WithoutClockSkewIatAndNbfAreNotInTheFuture) {
  const auto check = [](absl::string_view claim) {
    return ReasonOf(
        CheckClaims(Plus(claim), Settings(), absl::FromUnixSeconds(kNow),
                    {.max_lifetime = absl::Seconds(300), .clock_skew = absl::ZeroDuration()})
            .status());
  };
  EXPECT_EQ(check(R"("iat":1800000000,"nbf":1800000000)"), std::nullopt);
  EXPECT_EQ(check(R"("iat":1800000001)"), "CLAIMS_IAT_FUTURE");
  EXPECT_EQ(check(R"("iat":1799999700)"), std::nullopt);
  EXPECT_EQ(check(R"("iat":1799999699)"), "CLAIMS_IAT_PAST");
  EXPECT_EQ(check(R"("nbf":1800000001)"), "CLAIMS_NBF_FUTURE");
}

TEST(ClaimsPolicyTest, ASubjectThatFitsAPatternIsAcceptedAndTold) {
  for (const auto& [sub, decoded] : std::vector<std::pair<std::string, std::string>>{
           {"integration-7@acme.example", "integration-7@acme.example"},
           {R"(\u0069ntegration-\u00fc\u0040acme.example)", "integration-\xC3\xBC@acme.example"},
           {R"(a\\b.svc@acme.example)", R"(a\b.svc@acme.example)"},
           {"user@example.com", "user@example.com"}}) {
    const auto accepted =
        Check(With("user@example.com\"", sub + "\"" + (sub == decoded ? " " : "")));
    ASSERT_TRUE(accepted.ok()) << sub << ": " << accepted.status();
    EXPECT_EQ(accepted->sub, decoded);
  }
}

TEST(ClaimsPolicyTest, ASubjectThatOnlySeemsToFitAPatternIsRefused) {
  std::vector<Refusal> refusals;
  for (const std::string& sub :
       {std::string("integration-@acme.example"), std::string("integration-*@acme.example.evil"),
        std::string("integration-x@evil@acme.example"),
        std::string(R"(integration-x\u0040evil@acme.example)"),
        std::string(R"(integration-\u0000@acme.example)"),
        std::string(R"(integration-x\n@acme.example)"),
        std::string(R"(integration-\u0085@acme.example)"),
        std::string(R"(integration-x@acme.example\u0000)"),
        std::string("integration-x@ACME.example"), std::string(" .svc@acme.example"),
        std::string(R"(integration-x\uff20acme.example)"),
        "integration-" + std::string(256 - 25, 'x') + "@acme.example",
        std::string(".svc@acme.example")}) {
    refusals.push_back({With("user@example.com", sub), "CLAIMS_SUB_NOT_ALLOWED"});
  }
  ExpectRefusals(refusals, absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(
      Check(With("user@example.com", "integration-" + std::string(255 - 25, 'x') + "@acme.example"))
          .ok());
}

TEST(ClaimsPolicyTest, AConnectionWithoutConsumerKeySignsNothing) {
  registry::ConnectionSettings settings = Settings();
  settings.consumer_key.clear();
  const auto status =
      CheckClaims(With("3MVG9.key", ""), settings, absl::FromUnixSeconds(kNow), kLimits).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "CONSUMER_KEY_MISSING");
}

TEST(ClaimsPolicyTest, SentencesHoldNamesButNoValues) {
  for (const std::string& claims :
       {With("3MVG9.key", "secret"), With("user@example.com", "secret"),
        With("https://login.salesforce.com", "secret"), Plus(R"("nbf":"secret")"),
        Plus(R"("scope":"secret")"), With("}", ",\"jti\":secret}"), With("}", "secret")}) {
    const absl::Status status = Check(claims).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
  const absl::Status unknown = Check(Plus("\"" + std::string(500, 'n') + "\":1")).status();
  EXPECT_LT(unknown.message().size(), 200U);
  EXPECT_THAT(std::string(Check(Plus("\"a\\nb\":1")).status().message()), HasSubstr(R"("a\nb")"));
}

}  // namespace
}  // namespace keyward::signer
