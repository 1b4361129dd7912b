#include "client/test_connection/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/openssl.h"
#include "tests/client/test_connection/certificates.h"

namespace keyward::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr v1::TestStep::Result kPassed = v1::TestStep::PASSED;
constexpr v1::TestStep::Result kWarning = v1::TestStep::WARNING;
constexpr v1::TestStep::Result kFailed = v1::TestStep::FAILED;

void ExpectFinding(const Finding& finding, v1::TestStep::Result result, const std::string& reason,
                   const std::string& words) {
  EXPECT_EQ(finding.result, result) << finding.detail;
  EXPECT_EQ(ReasonOf(finding.problem).value_or(""), reason);
  EXPECT_EQ(finding.problem.ok(), reason.empty());
  EXPECT_THAT(finding.detail, HasSubstr(words));
}

v1::KeyVersionDetails GoodKey() {
  v1::KeyVersionDetails details;
  details.mutable_key_version()->set_number(2);
  details.mutable_key_version()->set_state(v1::KeyVersion::ACTIVE);
  details.mutable_key_version()->set_algorithm("RS256");
  details.mutable_key_version()->set_key_bits(2048);
  const std::pair<const char*, bool> kAttributes[] = {{"CKA_SENSITIVE", true},
                                                      {"CKA_EXTRACTABLE", false},
                                                      {"CKA_ALWAYS_SENSITIVE", true},
                                                      {"CKA_NEVER_EXTRACTABLE", true},
                                                      {"CKA_LOCAL", true}};
  for (const auto& [name, value] : kAttributes) {
    details.add_attributes()->set_name(name);
    details.mutable_attributes()->rbegin()->set_value(value);
  }
  details.set_token_certificate(v1::KeyVersionDetails::SAME);
  return details;
}

TEST(FindingsTest, JudgesTheKey) {
  ExpectFinding(JudgeKey(GoodKey()), kPassed, "",
                "Key version 2 (ACTIVE, RS256, 2048 bits) is on the token and cannot leave it.");
  v1::KeyVersionDetails key = GoodKey();
  key.set_refusal("CKA_EXTRACTABLE is true");
  ExpectFinding(JudgeKey(key), kFailed, "KEY_REFUSED", "CKA_EXTRACTABLE is true");
  key = GoodKey();
  key.mutable_key_version()->set_state(v1::KeyVersion::DISABLED);
  ExpectFinding(JudgeKey(key), kFailed, "KEY_VERSION_DISABLED", "DISABLED");
  key.mutable_key_version()->set_state(v1::KeyVersion::DESTROYED);
  ExpectFinding(JudgeKey(key), kFailed, "KEY_VERSION_DESTROYED", "DESTROYED");
  key.mutable_key_version()->set_state(v1::KeyVersion::PENDING);
  ExpectFinding(JudgeKey(key), kPassed, "", "PENDING");
  key.set_token_certificate(v1::KeyVersionDetails::DIFFERENT);
  ExpectFinding(JudgeKey(key), kWarning, "", "another one than the signer's");
}

TEST(FindingsTest, AnAdoptedKeySaysWhatItLacks) {
  for (int i = 0; i < GoodKey().attributes_size(); ++i) {
    v1::KeyVersionDetails key = GoodKey();
    auto& attribute = *key.mutable_attributes(i);
    attribute.set_value(!attribute.value());
    ExpectFinding(JudgeKey(key), kWarning, "",
                  absl::StrCat(attribute.name(), "=", attribute.value() ? "true" : "false"));
    // A token that does not answer is not a token that says no.
    attribute.clear_value();
    EXPECT_EQ(JudgeKey(key).result, kPassed);
  }
}

// The clock stands an hour after the certificate was made, or `later` than that.
Finding Judge(const testing::CertificateShape& shape, absl::Duration later = absl::ZeroDuration()) {
  v1::Certificate certificate;
  certificate.set_der(testing::MakeCertificate(shape));
  certificate.set_key_version(2);
  v1::KeyVersion version;
  version.set_number(2);
  const Sha256Digest digest = Sha256(certificate.der());
  version.set_certificate_sha256_fingerprint(std::string(digest.begin(), digest.end()));
  return JudgeCertificate(certificate, version, absl::Now() + absl::Hours(1) + later);
}

TEST(FindingsTest, JudgesTheCertificatesDates) {
  ExpectFinding(Judge({.days = 100}), kPassed, "", "days");
  ExpectFinding(Judge({.days = 20}), kWarning, "CERTIFICATE_EXPIRING", "for 19 more days");
  ExpectFinding(Judge({.days = 100}, absl::Hours(24 * 101)), kWarning, "CERTIFICATE_EXPIRED",
                "It was valid until");
  ExpectFinding(Judge({.days = 100}, -absl::Hours(24 * 2)), kWarning, "CERTIFICATE_NOT_YET_VALID",
                "It is valid from");
}

TEST(FindingsTest, JudgesTheCertificatesSize) {
  ExpectFinding(Judge({.days = 100, .comment_bytes = 1500}), kPassed, "", "Valid until");
  // Over 4,096 bytes with PEM's armour, under it without.
  ExpectFinding(Judge({.days = 100, .comment_bytes = 2600}), kWarning, "", "--der");
  ExpectFinding(Judge({.days = 100, .comment_bytes = 4000}), kWarning, "CERTIFICATE_TOO_LONG",
                "bytes even as DER");
  // What is worse is said.
  ExpectFinding(Judge({.days = 20, .comment_bytes = 4000}), kWarning, "CERTIFICATE_TOO_LONG",
                "DER");
  ExpectFinding(Judge({.days = 20, .comment_bytes = 2600}), kWarning, "CERTIFICATE_EXPIRING",
                "19 more days");
}

TEST(FindingsTest, JudgesTheCertificatesKey) {
  ExpectFinding(Judge({.days = 100, .rsa_bits = 1024}), kFailed, "CERTIFICATE_KEY_TOO_SHORT",
                "RSA with 1024 bits");
  ExpectFinding(Judge({.days = 100, .rsa_bits = 0}), kFailed, "CERTIFICATE_KEY_TOO_SHORT",
                "no RSA key");
  v1::Certificate certificate;
  certificate.set_der("no certificate");
  ExpectFinding(JudgeCertificate(certificate, {}, absl::Now()), kFailed, "CERTIFICATE_MALFORMED",
                "is none");
  certificate.set_der(testing::MakeCertificate({.days = 100}));
  v1::KeyVersion version;
  version.set_certificate_sha256_fingerprint(std::string(32, 'x'));
  ExpectFinding(JudgeCertificate(certificate, version, absl::Now()), kFailed,
                "CERTIFICATE_KEY_MISMATCH", "not the certificate of key version");
}

TEST(FindingsTest, JudgesTheClockByWhatAnAssertionBears) {
  ExpectFinding(JudgeClock(std::nullopt), kWarning, "", "no Date");
  ExpectFinding(JudgeClock(absl::Seconds(-2)), kPassed, "", "agrees");
  ExpectFinding(JudgeClock(absl::Seconds(59)), kPassed, "", "59 s ahead of");
  ExpectFinding(JudgeClock(absl::Seconds(61)), kWarning, "CLOCK_WRONG", "61 s ahead of");
  ExpectFinding(JudgeClock(absl::Seconds(-61)), kWarning, "CLOCK_WRONG", "61 s behind");
  ExpectFinding(JudgeClock(absl::Seconds(-179)), kWarning, "CLOCK_WRONG", "179 s behind");
  ExpectFinding(JudgeClock(absl::Seconds(-180)), kFailed, "CLOCK_WRONG", "180 s behind");
  // Salesforce does not seem to mind.
  ExpectFinding(JudgeClock(absl::Hours(5)), kWarning, "CLOCK_WRONG", "18000 s ahead of");
}

Finding JudgeApi(int status, const std::string& body,
                 std::optional<absl::Duration> retry_after = std::nullopt) {
  HttpsAnswer answer;
  answer.status = status;
  answer.body = Secret(std::string(body));
  answer.retry_after = retry_after;
  return JudgeApiAnswer(answer, Secret(std::string("00D!token")));
}

TEST(FindingsTest, JudgesTheApisAnswer) {
  ExpectFinding(JudgeApi(200, R"({"organization_id":"00D123"})"), kPassed, "", "in the org 00D123");
  ExpectFinding(JudgeApi(200, "{}"), kPassed, "", "takes the token");
  ExpectFinding(JudgeApi(200, "<html>"), kFailed, "API_ANSWER_UNEXPECTED", "without a JSON object");
  ExpectFinding(
      JudgeApi(401, R"([{"errorCode":"INVALID_SESSION_ID","message":"Session expired"}])"), kFailed,
      "API_TOKEN_REFUSED", "answers 401: INVALID_SESSION_ID: Session expired");
  ExpectFinding(JudgeApi(403, "Bad_OAuth_Token"), kFailed, "API_ACCESS_DENIED", "answers 403.");
  ExpectFinding(JudgeApi(403, R"({"error":"forbidden"})"), kFailed, "API_ACCESS_DENIED",
                "answers 403: forbidden");
  ExpectFinding(JudgeApi(302, ""), kFailed, "API_ANSWER_UNEXPECTED", "answers 302");
  ExpectFinding(JudgeApi(503, "[]"), kFailed, "SALESFORCE_TRANSIENT", "answers 503");
  for (const auto& [said, kept] : std::vector<std::pair<absl::Duration, absl::Duration>>{
           {absl::Seconds(7), absl::Seconds(7)},
           {absl::ZeroDuration(), absl::Seconds(1)},
           {absl::Hours(24 * 365), absl::Hours(1)}}) {
    EXPECT_EQ(RetryDelayOf(JudgeApi(429, "", said).problem), kept);
  }
  for (const char* odd : {"[1]", "[[]]", "null", R"({"error":7})", R"([{"message":{}}])"}) {
    ExpectFinding(JudgeApi(401, odd), kFailed, "API_TOKEN_REFUSED", "answers 401.");
  }
}

TEST(FindingsTest, WhatIsNestedTooDeepIsNotRead) {
  for (const int levels : {40, 30'000}) {
    const std::string nest = absl::StrCat(std::string(levels, '['), "1", std::string(levels, ']'));
    ExpectFinding(JudgeApi(401, nest), kFailed, "API_TOKEN_REFUSED", "answers 401.");
    ExpectFinding(JudgeApi(401, absl::StrCat(R"([{"message":"deep","more":)", nest, "}]")), kFailed,
                  "API_TOKEN_REFUSED", "answers 401.");
    ExpectFinding(JudgeApi(200, absl::StrCat(R"({"more":)", nest, "}")), kFailed,
                  "API_ANSWER_UNEXPECTED", "without a JSON object");
  }
}

TEST(FindingsTest, TheApisWordsHoldNoToken) {
  for (const int padding : {0, 190, 195}) {
    const Finding finding = JudgeApi(
        401, absl::StrCat(R"([{"message":")", std::string(padding, 'x'), R"( 00D!token bad"}])"));
    EXPECT_THAT(finding.detail, Not(HasSubstr("00D")));
    EXPECT_THAT(std::string(finding.problem.message()), Not(HasSubstr("00D")));
  }
}

TEST(FindingsTest, JudgesTheScopes) {
  for (const char* good :
       {"api refresh_token", "full offline_access", "id api web refresh_token"}) {
    ExpectFinding(JudgeScopes(good), kPassed, "", good);
  }
  ExpectFinding(JudgeScopes("refresh_token"), kFailed, "SCOPES_MISSING", "Missing: api.");
  ExpectFinding(JudgeScopes("web refresh_token"), kFailed, "SCOPES_MISSING", "Missing: api.");
  ExpectFinding(JudgeScopes("api"), kWarning, "SCOPES_MISSING",
                "Missing: refresh_token, offline_access.");
  // `full` does not include it.
  ExpectFinding(JudgeScopes("full"), kWarning, "SCOPES_MISSING",
                "Missing: refresh_token, offline_access.");
  ExpectFinding(JudgeScopes("apis"), kFailed, "SCOPES_MISSING",
                "Missing: api; refresh_token, offline_access.");
  ExpectFinding(JudgeScopes(""), kWarning, "", "did not say");
  EXPECT_TRUE(AllowsApi("id api"));
  EXPECT_FALSE(AllowsApi("web"));
}

}  // namespace
}  // namespace keyward::client
