// Whether a client's certificate is good, at keyward-exchange: the signer's tests have the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "tests/e2e_exchange/exchange_system.h"
#include "tests/testing/code_and_reason.h"
#include "tests/testing/test_ca.h"

namespace keyward::e2e {
namespace {

using testing::CodeAndReason;
using ::testing::HasSubstr;
using testing::IssuedCertificate;
using testing::IssueOptions;
using testing::Replaced;
using testing::TestCa;

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return true;
}

class ExchangeCertificatesTest : public ::testing::Test {
 protected:
  std::string File(absl::string_view name) const { return system_.signer().File(name); }
  std::string Read(absl::string_view name) const { return ReadFile(File(name)).value_or("?"); }
  // By rename(2).
  void Put(absl::string_view name, absl::string_view text, unsigned mode = 0644) const {
    ASSERT_TRUE(WriteFile(File(name), text, mode).ok());
  }
  void Configure(absl::string_view crls, absl::string_view more = "") {
    Put("crl.pem", crls);
    system_.WriteConfig(Replaced(absl::StrCat(system_.DefaultConfig(), more),
                                 "client_ca: pki/ca.pem",
                                 "client_ca: pki/ca.pem\n  client_crl: crl.pem"));
  }
  void Start() { ASSERT_TRUE(system_.Start()) << system_.daemon().Output(); }

  static std::string TokenOf(client::ExchangeClient& client) {
    return CodeAndReason(client.Exchange("acme").status());
  }

  ExchangeSystem system_;
  const TestCa ca_{Read("pki/ca.pem"), Read("pki/ca.key")};
};

TEST_F(ExchangeCertificatesTest, ARevokedClientGetsNoTokenWhileItIsConnected) {
  Configure(ca_.Crl());
  Start();
  const auto connected = system_.Client();
  EXPECT_EQ(TokenOf(*connected), "OK");
  const auto other = system_.Client("operator");
  EXPECT_EQ(TokenOf(*other), "OK");
  Put("crl.pem", ca_.Crl({.revoked = {Read("pki/backend.pem")}}));
  constexpr char kRevoked[] = "UNAUTHENTICATED CLIENT_CERTIFICATE_REVOKED";
  EXPECT_TRUE(Eventually([&] { return TokenOf(*connected) == kRevoked; }));
  EXPECT_EQ(TokenOf(*system_.Client()), kRevoked);
  EXPECT_EQ(TokenOf(*other), "OK");

  Put("crl.pem", "garbage");
  EXPECT_TRUE(system_.daemon().WaitForOutput("holds no PEM CRL", kPatience));
  EXPECT_EQ(TokenOf(*connected), kRevoked);
  EXPECT_EQ(system_.Stop(), 0);
  const testing::Finished started = system_.RunToEnd();
  EXPECT_NE(started.exit_code, 0);
  EXPECT_THAT(started.err, HasSubstr("tls.client_crl: "));
}

TEST_F(ExchangeCertificatesTest, AnAuthorityThatIsGoneServesNoMore) {
  const TestCa other("other");
  Put("client-ca.pem", ca_.certificate());
  system_.WriteConfig(
      Replaced(system_.DefaultConfig(), "client_ca: pki/ca.pem", "client_ca: client-ca.pem"));
  Start();
  const auto connected = system_.Client();
  EXPECT_EQ(TokenOf(*connected), "OK");
  Put("client-ca.pem", other.certificate());
  EXPECT_TRUE(Eventually(
      [&] { return TokenOf(*connected) == "UNAUTHENTICATED CLIENT_CERTIFICATE_INVALID"; }));
  EXPECT_EQ(system_.Stop(), 0);
}

TEST_F(ExchangeCertificatesTest, OnlyTheKindsOfNamesThatAreListedCount) {
  Configure(ca_.Crl(), "identity: {kinds: [dns]}\n");
  Start();
  EXPECT_EQ(TokenOf(*system_.Client()), "UNAUTHENTICATED CLIENT_IDENTITY_INVALID");
  const IssuedCertificate issued = ca_.Issue({.alternative_name = "DNS:host.example"});
  Put("pki/dns.pem", issued.certificate);
  Put("pki/dns.key", issued.private_key, 0600);
  EXPECT_EQ(TokenOf(*system_.Client("dns")), "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(system_.Stop(), 0);
}

}  // namespace
}  // namespace keyward::e2e
