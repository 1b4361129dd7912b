#include "common/server/client_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "tests/testing/test_ca.h"

namespace keyward::server {
namespace {

using testing::CrlOptions;
using ::testing::HasSubstr;
using testing::IssuedCertificate;
using testing::IssueOptions;
using ::testing::StartsWith;
using testing::TestCa;

class ClientVerifierTest : public ::testing::Test {
 protected:
  // What the verifier of that set says: "OK", or the reason.
  std::string Verdict(const std::string& authorities, const std::string& crls,
                      const std::string& leaf, const std::string& chain = "") {
    const auto verifier =
        ClientVerifier::New({.client_ca = authorities, .client_crl = crls}, /*generation=*/1);
    EXPECT_TRUE(verifier.ok()) << verifier.status();
    const absl::StatusOr<absl::Time> end = (*verifier)->Verify(leaf, chain, now_);
    if (end.ok()) {
      end_ = *end;
      return "OK";
    }
    EXPECT_TRUE(absl::IsUnauthenticated(end.status()));
    message_ = std::string(end.status().message());
    return ReasonOf(end.status()).value_or("none");
  }

  // To the second, as certificates have it.
  const absl::Time now_ = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  const TestCa ca_{"ca"};
  const IssuedCertificate client_ = ca_.Issue({.not_after = now_ + absl::Hours(10)});
  // Of the last verdict.
  absl::Time end_;
  std::string message_;
};

TEST_F(ClientVerifierTest, HoldsUntilTheFirstEnd) {
  EXPECT_EQ(Verdict(ca_.certificate(), "", client_.certificate), "OK");
  EXPECT_EQ(end_, now_ + absl::Hours(10));
  EXPECT_EQ(Verdict(ca_.certificate(), ca_.Crl(), client_.certificate), "OK");
  EXPECT_EQ(end_, now_ + absl::Hours(10));
  const std::string crl = ca_.Crl({.next_update = now_ + absl::Hours(2)});
  EXPECT_EQ(Verdict(ca_.certificate(), crl, client_.certificate), "OK");
  EXPECT_EQ(end_, now_ + absl::Hours(2));
  const TestCa short_ca("short", now_ + absl::Hours(1));
  EXPECT_EQ(Verdict(short_ca.certificate(), "", short_ca.Issue({}).certificate), "OK");
  EXPECT_EQ(end_, now_ + absl::Hours(1));
}

TEST_F(ClientVerifierTest, TheListOfAnotherAuthorityEndsNothing) {
  const TestCa other("other");
  const std::string crls = absl::StrCat(ca_.Crl({.next_update = now_ + absl::Hours(5)}),
                                        other.Crl({.next_update = now_ + absl::Hours(2)}));
  const std::string authorities = absl::StrCat(ca_.certificate(), other.certificate());
  EXPECT_EQ(Verdict(authorities, crls, client_.certificate), "OK");
  EXPECT_EQ(end_, now_ + absl::Hours(5));
}

TEST_F(ClientVerifierTest, RefusesWhatIsRevoked) {
  const std::string crl = ca_.Crl({.revoked = {client_.certificate}});
  EXPECT_EQ(Verdict(ca_.certificate(), crl, client_.certificate), "CLIENT_CERTIFICATE_REVOKED");
  EXPECT_THAT(message_, StartsWith("the client certificate has been revoked"));
  EXPECT_EQ(Verdict(ca_.certificate(), crl, ca_.Issue({}).certificate), "OK");
  // Without lists nobody is.
  EXPECT_EQ(Verdict(ca_.certificate(), "", client_.certificate), "OK");
}

TEST_F(ClientVerifierTest, RefusesOutsideOfTheCertificatesTime) {
  const auto at = [&](absl::Time not_before, absl::Time not_after) {
    return Verdict(ca_.certificate(), "",
                   ca_.Issue({.not_before = not_before, .not_after = not_after}).certificate);
  };
  EXPECT_EQ(at(now_ - absl::Hours(2), now_ + absl::Seconds(1)), "OK");
  EXPECT_EQ(at(now_ - absl::Hours(2), now_), "CLIENT_CERTIFICATE_EXPIRED");
  EXPECT_EQ(at(now_ + absl::Minutes(1), now_ + absl::Hours(1)), "CLIENT_CERTIFICATE_INVALID");
  EXPECT_THAT(message_, HasSubstr("not yet valid"));
  const TestCa expired("expired", now_ - absl::Minutes(1));
  EXPECT_EQ(Verdict(expired.certificate(), "", expired.Issue({}).certificate),
            "CLIENT_CERTIFICATE_EXPIRED");
  EXPECT_THAT(message_, StartsWith("an authority of the client certificate has expired"));
}

TEST_F(ClientVerifierTest, RefusesAListThatHasExpired) {
  for (const absl::Duration past : {absl::ZeroDuration(), absl::Hours(1)}) {
    EXPECT_EQ(Verdict(ca_.certificate(),
                      ca_.Crl({.last_update = now_ - absl::Hours(2), .next_update = now_ - past}),
                      client_.certificate),
              "CLIENT_CRL_EXPIRED");
  }
  EXPECT_THAT(message_, HasSubstr("tls.client_crl"));
  // Of two, the one that is valid counts.
  EXPECT_EQ(Verdict(ca_.certificate(),
                    absl::StrCat(ca_.Crl({.next_update = now_ - absl::Minutes(1)}), ca_.Crl()),
                    client_.certificate),
            "OK");
}

TEST_F(ClientVerifierTest, RefusesWhatIsNotForAClient) {
  const std::string leaf = ca_.Issue({.usage = "serverAuth"}).certificate;
  EXPECT_EQ(Verdict(ca_.certificate(), "", leaf), "CLIENT_CERTIFICATE_INVALID");
  EXPECT_THAT(message_, HasSubstr("purpose"));
  for (const char* usage : {"", "serverAuth,clientAuth"}) {
    EXPECT_EQ(Verdict(ca_.certificate(), "", ca_.Issue({.usage = usage}).certificate), "OK")
        << usage;
  }
}

TEST_F(ClientVerifierTest, RefusesAnAuthorityThatIsGoneOrHasNoList) {
  const TestCa other("other");
  EXPECT_EQ(Verdict(other.certificate(), "", client_.certificate), "CLIENT_CERTIFICATE_INVALID");
  EXPECT_EQ(Verdict(ca_.certificate(), other.Crl(), client_.certificate),
            "CLIENT_CERTIFICATE_INVALID");
  EXPECT_THAT(message_, HasSubstr("CRL"));
  // Another one of the same name.
  const TestCa namesake("ca");
  EXPECT_EQ(Verdict(namesake.certificate(), "", client_.certificate), "CLIENT_CERTIFICATE_INVALID");
  EXPECT_EQ(Verdict(ca_.certificate(), namesake.Crl(), client_.certificate),
            "CLIENT_CERTIFICATE_INVALID");
}

TEST_F(ClientVerifierTest, FollowsWhatTheClientSentAlong) {
  const TestCa intermediate = ca_.MakeSubordinate("intermediate");
  const std::string leaf = intermediate.Issue({}).certificate;
  EXPECT_EQ(Verdict(ca_.certificate(), "", leaf), "CLIENT_CERTIFICATE_INVALID");
  const std::string chain = intermediate.certificate();
  EXPECT_EQ(Verdict(ca_.certificate(), "", leaf, chain), "OK");
  EXPECT_EQ(Verdict(ca_.certificate(), "", leaf, leaf + chain), "OK");
  EXPECT_EQ(Verdict(ca_.certificate(), "", leaf, "nonsense"), "CLIENT_CERTIFICATE_INVALID");
  // Every authority of the chain needs a list.
  EXPECT_EQ(Verdict(ca_.certificate(), ca_.Crl(), leaf, chain), "CLIENT_CERTIFICATE_INVALID");
  EXPECT_EQ(Verdict(ca_.certificate(), ca_.Crl() + intermediate.Crl(), leaf, chain), "OK");
  EXPECT_EQ(
      Verdict(ca_.certificate(), ca_.Crl() + intermediate.Crl({.revoked = {leaf}}), leaf, chain),
      "CLIENT_CERTIFICATE_REVOKED");
  EXPECT_EQ(
      Verdict(ca_.certificate(), ca_.Crl({.revoked = {chain}}) + intermediate.Crl(), leaf, chain),
      "CLIENT_CERTIFICATE_REVOKED");
  EXPECT_THAT(message_, StartsWith("an authority of the client certificate has been revoked"));
}

TEST_F(ClientVerifierTest, TrustsAnAuthorityThatIsNoRoot) {
  const TestCa intermediate = ca_.MakeSubordinate("intermediate");
  const std::string leaf = intermediate.Issue({}).certificate;
  EXPECT_EQ(Verdict(intermediate.certificate(), "", leaf), "OK");
  // Its root's list is not asked for, but its own is.
  EXPECT_EQ(Verdict(intermediate.certificate(), intermediate.Crl(), leaf), "OK");
  EXPECT_EQ(Verdict(intermediate.certificate(), ca_.Crl(), leaf), "CLIENT_CERTIFICATE_INVALID");
  EXPECT_EQ(Verdict(intermediate.certificate(), intermediate.Crl({.revoked = {leaf}}), leaf),
            "CLIENT_CERTIFICATE_REVOKED");
  EXPECT_EQ(Verdict(intermediate.certificate(), ca_.Crl() + intermediate.Crl(), leaf), "OK");
  const std::string both = ca_.certificate() + intermediate.certificate();
  EXPECT_EQ(Verdict(both, ca_.Crl() + intermediate.Crl(), leaf), "OK");
  const TestCa old("old", now_ - absl::Minutes(1));
  const TestCa of_old = old.MakeSubordinate("of old");
  EXPECT_EQ(
      Verdict(old.certificate() + of_old.certificate(), of_old.Crl(), of_old.Issue({}).certificate),
      "OK");
  // Trusted for itself, but revoked all the same.
  EXPECT_EQ(
      Verdict(both, ca_.Crl({.revoked = {intermediate.certificate()}}) + intermediate.Crl(), leaf),
      "CLIENT_CERTIFICATE_REVOKED");
}

TEST_F(ClientVerifierTest, RefusesWhatItCannotRead) {
  for (const char* text : {"", "nonsense"}) {
    EXPECT_EQ(Verdict(ca_.certificate(), "", text), "CLIENT_CERTIFICATE_INVALID");
  }
}

TEST(ClientVerifiersTest, GiveTheLastOne) {
  const TlsSet set{.client_ca = TestCa("ca").certificate()};
  ClientVerifiers verifiers(*ClientVerifier::New(set, 1));
  EXPECT_EQ(verifiers.generation(), 1);
  const auto second = *ClientVerifier::New(set, 2);
  verifiers.Set(second);
  EXPECT_EQ(verifiers.generation(), 2);
  EXPECT_EQ(verifiers.Get(), second);
}

}  // namespace
}  // namespace keyward::server
