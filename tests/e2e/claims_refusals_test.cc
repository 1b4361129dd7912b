// Claims that a signer must not sign, sent to a real one.
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/openssl.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

struct Case {
  std::string claims;
  std::string expected;
};

std::string Without(const std::string& member) {
  return testing::Replaced(GoodClaims(), member, "");
}

std::string With(const std::string& from, const std::string& to) {
  return testing::Replaced(GoodClaims(), from, to);
}

std::string WithExp(absl::string_view exp) {
  const std::string claims = GoodClaims();
  return absl::StrCat(claims.substr(0, claims.find("\"exp\":")), "\"exp\":", exp, "}");
}

std::string InSeconds(int64_t seconds) {
  return absl::StrCat(absl::ToUnixSeconds(absl::Now()) + seconds);
}

std::vector<Case> MalformedCases() {
  const std::string iss = absl::StrCat(R"("iss":")", kConsumerKey, R"(",)");
  const std::string aud = absl::StrCat(R"("aud":")", kAudience, R"(",)");
  return {
      {"", "INVALID_ARGUMENT CLAIMS_NOT_JSON"},
      {"iss=1&sub=2", "INVALID_ARGUMENT CLAIMS_NOT_JSON"},
      {GoodClaims() + "{}", "INVALID_ARGUMENT CLAIMS_NOT_JSON"},
      {"\xef\xbb\xbf" + GoodClaims(), "INVALID_ARGUMENT CLAIMS_NOT_JSON"},
      {GoodClaims() + std::string(1, '\0'), "INVALID_ARGUMENT CLAIMS_NOT_JSON"},
      {std::string(4000, '['), "INVALID_ARGUMENT CLAIMS_NOT_OBJECT"},
      {"[" + GoodClaims() + "]", "INVALID_ARGUMENT CLAIMS_NOT_OBJECT"},
      {"null", "INVALID_ARGUMENT CLAIMS_NOT_OBJECT"},
      {"\"text\"", "INVALID_ARGUMENT CLAIMS_NOT_OBJECT"},
      {GoodClaims() + std::string(4097 - GoodClaims().size(), ' '),
       "INVALID_ARGUMENT CLAIMS_TOO_LONG"},
      {With("user@", "us\xc3\x28r@"), "INVALID_ARGUMENT CLAIMS_NOT_UTF8"},
      {With("user@", "us\xed\xa0\x80r@"), "INVALID_ARGUMENT CLAIMS_NOT_UTF8"},
      {GoodClaims(R"(,"sub":"admin@example.com")"), "INVALID_ARGUMENT CLAIMS_DUPLICATE_NAME"},
      {GoodClaims(R"(,"\u0073ub":"admin@example.com")"), "INVALID_ARGUMENT CLAIMS_DUPLICATE_NAME"},
      {GoodClaims(R"(,"scope":"full")"), "INVALID_ARGUMENT CLAIMS_UNKNOWN_NAME"},
      {GoodClaims(R"(,"EXP":1)"), "INVALID_ARGUMENT CLAIMS_UNKNOWN_NAME"},
      {Without(iss), "INVALID_ARGUMENT CLAIMS_ISS_MISSING"},
      {Without(aud), "INVALID_ARGUMENT CLAIMS_AUD_MISSING"},
      {With(iss, R"("iss":7,)"), "INVALID_ARGUMENT CLAIMS_ISS_NOT_STRING"},
      {With(absl::StrCat("\"", kSubject, "\""), "null"), "INVALID_ARGUMENT CLAIMS_SUB_NOT_STRING"},
      {With(absl::StrCat("\"", kSubject, "\""), "{}"), "INVALID_ARGUMENT CLAIMS_SUB_NOT_STRING"},
      {With(absl::StrCat("\"", kAudience, "\""), absl::StrCat("[\"", kAudience, "\"]")),
       "INVALID_ARGUMENT CLAIMS_AUD_NOT_STRING"},
      {GoodClaims(R"(,"jti":1)"), "INVALID_ARGUMENT CLAIMS_JTI_NOT_STRING"},
      {GoodClaims(R"(,"iat":1.5)"), "INVALID_ARGUMENT CLAIMS_IAT_NOT_INTEGER"},
      {WithExp(InSeconds(60) + ".0"), "INVALID_ARGUMENT CLAIMS_EXP_NOT_INTEGER"},
      {WithExp("1e10"), "INVALID_ARGUMENT CLAIMS_EXP_NOT_INTEGER"},
      {WithExp("\"" + InSeconds(60) + "\""), "INVALID_ARGUMENT CLAIMS_EXP_NOT_INTEGER"},
      {WithExp("9223372036854775808"), "INVALID_ARGUMENT CLAIMS_EXP_NOT_INTEGER"},
      {WithExp("18446744073709551616"), "INVALID_ARGUMENT CLAIMS_EXP_NOT_INTEGER"},
      {WithExp("-1"), "INVALID_ARGUMENT CLAIMS_EXP_NOT_INTEGER"},
  };
}

std::vector<Case> ForbiddenCases() {
  return {
      {With(kConsumerKey, "3MVG9.other"), "PERMISSION_DENIED CLAIMS_ISS_MISMATCH"},
      {With(kSubject, "admin@example.com"), "PERMISSION_DENIED CLAIMS_SUB_NOT_ALLOWED"},
      {With(kSubject, "USER@example.com"), "PERMISSION_DENIED CLAIMS_SUB_NOT_ALLOWED"},
      {With(kAudience, "https://test.salesforce.com"), "PERMISSION_DENIED CLAIMS_AUD_NOT_ALLOWED"},
      {With(kAudience, absl::StrCat(kAudience, "/")), "PERMISSION_DENIED CLAIMS_AUD_NOT_ALLOWED"},
      {WithExp(InSeconds(-1)), "PERMISSION_DENIED CLAIMS_EXP_PAST"},
      {WithExp("0"), "PERMISSION_DENIED CLAIMS_EXP_PAST"},
      {WithExp(InSeconds(3600)), "PERMISSION_DENIED CLAIMS_EXP_TOO_FAR"},
      {WithExp("9223372036854775807"), "PERMISSION_DENIED CLAIMS_EXP_TOO_FAR"},
      {WithExp(InSeconds(60) + R"(,"nbf":)" + InSeconds(600)),
       "PERMISSION_DENIED CLAIMS_NBF_FUTURE"},
  };
}

class ClaimsRefusalsTest : public SignerTest {
 protected:
  ClaimsRefusalsTest() {
    Start();
    CreateConnection();
  }

  // Each of `cases` is refused as expected and recorded so; then the signer still
  // signs, and nothing but that was signed.
  void ExpectRefused(const std::vector<Case>& cases) const {
    const auto client = Client();
    std::vector<std::string> outcomes;
    for (const Case& one : cases) {
      EXPECT_EQ(CodeAndReason(client->Sign("acme", one.claims).status()), one.expected)
          << one.claims.substr(0, 300);
      outcomes.push_back(one.expected.substr(one.expected.find(' ') + 1));
    }
    EXPECT_TRUE(client->Sign("acme", GoodClaims()).ok());
    outcomes.emplace_back("done");
    ExpectSignOutcomes(outcomes);
  }
};

TEST_F(ClaimsRefusalsTest, MalformedClaims) { ExpectRefused(MalformedCases()); }

TEST_F(ClaimsRefusalsTest, ClaimsThatAreNotThisConnections) { ExpectRefused(ForbiddenCases()); }

TEST_F(ClaimsRefusalsTest, ClaimsOfTheGreatestLengthAreSigned) {
  const std::string claims = GoodClaims() + std::string(4096 - GoodClaims().size(), ' ');
  const auto assertion = Client()->Sign("acme", claims);
  ASSERT_TRUE(assertion.ok()) << assertion.status();
  EXPECT_EQ(Audit().back()["claims_sha256"], HexSha256(claims));
}

}  // namespace
}  // namespace keyward::e2e
