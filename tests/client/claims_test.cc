#include "client/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"

namespace keyward::client {
namespace {

using ::testing::HasSubstr;

constexpr absl::Time kNow = absl::FromUnixSeconds(1700000000);

Claims Good() { return {"3MVG9", "user@example.com", "https://login.salesforce.com"}; }

void ExpectInvalid(const Claims& claims, const std::string& names) {
  const absl::Status status = BuildClaims(claims, kNow).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "CLAIMS_INVALID");
  EXPECT_THAT(std::string(status.message()), HasSubstr(names));
}

TEST(ClaimsTest, AreTheFourOfSalesforceAndExpIsThreeMinutesAhead) {
  EXPECT_EQ(BuildClaims(Good(), kNow).value(),
            R"({"iss":"3MVG9","sub":"user@example.com",)"
            R"("aud":"https://login.salesforce.com","exp":1700000180})");
}

TEST(ClaimsTest, FractionsOfNowNeverLengthenTheLife) {
  Claims claims = Good();
  claims.lifetime = absl::Seconds(300);
  EXPECT_THAT(BuildClaims(claims, kNow + absl::Milliseconds(999)).value(),
              HasSubstr(R"("exp":1700000300})"));
}

TEST(ClaimsTest, QuotesAndUnicodeAreEncoded) {
  Claims claims = Good();
  claims.subject = R"(o"br\ien@münchen.example)";
  EXPECT_THAT(BuildClaims(claims, kNow).value(), HasSubstr(R"("o\"br\\ien@münchen.example")"));
}

TEST(ClaimsTest, LifetimeIsWholeSecondsFrom1To300) {
  Claims claims = Good();
  for (const absl::Duration good : {absl::Seconds(1), absl::Seconds(300)}) {
    claims.lifetime = good;
    EXPECT_TRUE(BuildClaims(claims, kNow).ok()) << good;
  }
  for (const absl::Duration bad :
       {absl::ZeroDuration(), absl::Seconds(-1), absl::Milliseconds(1500), absl::Seconds(301),
        absl::InfiniteDuration(), -absl::InfiniteDuration()}) {
    claims.lifetime = bad;
    ExpectInvalid(claims, "lifetime");
  }
}

TEST(ClaimsTest, EmptyFieldsAreNamed) {
  Claims claims = Good();
  claims.consumer_key = "";
  ExpectInvalid(claims, "consumer key");
  claims = Good();
  claims.subject = "";
  ExpectInvalid(claims, "subject");
  claims = Good();
  claims.audience = "";
  ExpectInvalid(claims, "audience");
}

TEST(ClaimsTest, ConsumerKeyIsPrintableAsciiOfAtMost512) {
  Claims claims = Good();
  claims.consumer_key = std::string(512, 'x');
  EXPECT_TRUE(BuildClaims(claims, kNow).ok());
  for (const std::string& bad : {std::string(513, 'x'), std::string("a b"), std::string("a\nb"),
                                 std::string("a\0b", 3), std::string("schlüssel")}) {
    claims.consumer_key = bad;
    ExpectInvalid(claims, "consumer key");
  }
}

TEST(ClaimsTest, TextThatIsNotUtf8OrHasControlCharactersIsRefused) {
  Claims claims = Good();
  claims.subject = "user\xff@example.com";
  ExpectInvalid(claims, "UTF-8");
  claims.subject = std::string("user\0", 5);
  ExpectInvalid(claims, "control character");
  claims = Good();
  claims.audience = "https://a\x7f";
  ExpectInvalid(claims, "control character");
}

TEST(ClaimsTest, NoMoreThanASignerReads) {
  Claims claims = Good();
  claims.subject = std::string(kMaxClaimsBytes, 'x');
  ExpectInvalid(claims, "bytes long");
  const size_t rest = BuildClaims(Good(), kNow).value().size() - Good().subject.size();
  claims.subject = std::string(kMaxClaimsBytes - rest, 'x');
  EXPECT_EQ(BuildClaims(claims, kNow).value().size(), kMaxClaimsBytes);
  claims.subject += 'x';
  ExpectInvalid(claims, "4097 bytes long");
}

}  // namespace
}  // namespace keyward::client
