// Whether a client's certificate is good, on every call: revoked, expired, of an authority that is
// trusted no more, not for a client, or with names that do not count.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "tests/e2e/monitoring_page.h"
#include "tests/e2e/signer_fixture.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/test_ca.h"

namespace keyward::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IssuedCertificate;
using testing::IssueOptions;
using testing::Replaced;
using testing::TestCa;

constexpr char kOperator[] = "URI:spiffe://keyward.example/operator";
constexpr char kRevoked[] = "UNAUTHENTICATED CLIENT_CERTIFICATE_REVOKED";
constexpr char kCrlSeries[] = "keyward_client_crl_expiry_timestamp_seconds";

std::string Utc(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_sec, time, absl::UTCTimeZone());
}

class ClientCertificatesTest : public SignerTest {
 protected:
  std::string File(absl::string_view name) const { return signer_.File(name); }
  std::string Read(absl::string_view name) const { return ReadFile(File(name)).value_or("?"); }
  // By rename(2).
  void Put(absl::string_view name, absl::string_view text, unsigned mode = 0644) const {
    ASSERT_TRUE(WriteFile(File(name), text, mode).ok());
  }

  // Settings with tls.client_crl, and `more` at their end.
  void Configure(absl::string_view crls, absl::string_view more = "") const {
    Put("crl.pem", crls);
    signer_.Write("signer.yaml",
                  Replaced(absl::StrCat(signer_.DefaultConfig(), more), "client_ca: pki/ca.pem",
                           "client_ca: pki/ca.pem\n  client_crl: crl.pem"));
  }

  // A client for Client(name).
  void AddClient(absl::string_view name, const IssueOptions& options) const {
    const IssuedCertificate issued = ca_.Issue(options);
    Put(absl::StrCat("pki/", name, ".pem"), issued.certificate);
    Put(absl::StrCat("pki/", name, ".key"), issued.private_key, 0600);
  }

  static std::string Get(client::SignerClient& client) {
    return CodeAndReason(client.GetConnection("acme").status());
  }
  // What a client on a connection of its own gets.
  std::string GetAs(const std::string& name) const { return Get(*Client(name)); }

  bool Says(absl::string_view text) { return signer_.daemon().WaitForOutput(text, kPatience); }
  bool HasSaid(absl::string_view text) {
    return absl::StrContains(signer_.daemon().Output(), text);
  }

  // Has the daemon use a list that ends soon; however slow it is, not before it uses it.
  absl::Time UseBriefCrl() {
    for (absl::Duration rest = absl::Seconds(3);; rest *= 2) {
      const absl::Time end = absl::Now() + rest;
      Put("crl.pem", ca_.Crl({.next_update = end}));
      const std::string said = absl::StrCat("the CRL, which ends at ", Utc(end));
      if (Eventually([&] { return HasSaid(said); }, rest)) return end;
    }
  }

  const TestCa ca_{Read("pki/ca.pem"), Read("pki/ca.key")};
};

TEST_F(ClientCertificatesTest, ARevokedClientIsRefusedWhileItIsConnected) {
  Configure(ca_.Crl());
  Start();
  CreateConnection();
  const auto connected = Client();
  const auto other = Client("backend");
  EXPECT_EQ(Get(*connected), "OK");
  EXPECT_EQ(Get(*other), "OK");

  Put("crl.pem", ca_.Crl({.revoked = {Read("pki/operator.pem")}}));
  EXPECT_TRUE(Says("the CRL, which ends at ")) << signer_.daemon().Output();
  EXPECT_TRUE(Eventually([&] { return Get(*connected) == kRevoked; }));
  EXPECT_EQ(CodeAndReason(connected->Sign("acme", GoodClaims()).status()), kRevoked);
  EXPECT_EQ(GetAs("operator"), kRevoked);
  EXPECT_EQ(Get(*other), "OK");
  EXPECT_TRUE(other->Sign("acme", GoodClaims()).ok());

  // Whom the certificate named stands in the record.
  std::string identity;
  for (const auto& record : Audit()) {
    if (record.value("reason", "") == "CLIENT_CERTIFICATE_REVOKED") {
      identity = record.value("identity", "");
      EXPECT_EQ(identity, "spiffe://keyward.example/operator");
    }
  }
  EXPECT_NE(identity, "");

  Put("crl.pem", ca_.Crl());
  EXPECT_TRUE(Eventually([&] { return Get(*connected) == "OK"; }));
  Stop();
}

TEST_F(ClientCertificatesTest, AClientIsRefusedOnceItsCertificateHasExpired) {
  Start();
  CreateConnection();
  std::unique_ptr<client::SignerClient> connected;
  std::string first;
  // However slow the machine is, there is a life that is long enough.
  for (absl::Duration life = absl::Seconds(5); first != "OK" && life < kPatience; life *= 2) {
    AddClient("brief", {.alternative_name = kOperator, .not_after = absl::Now() + life});
    connected = Client("brief");
    first = Get(*connected);
  }
  EXPECT_EQ(first, "OK");
  EXPECT_TRUE(Eventually([&] {
    return Get(*connected) == "UNAUTHENTICATED CLIENT_CERTIFICATE_EXPIRED";
  })) << Get(*connected);
  // The handshake refuses it, too; our own client does not even begin one.
  const testing::Finished shaken = testing::Run(
      {"openssl", "s_client", "-tls1_2", "-connect", signer_.address(), "-CAfile",
       File("pki/ca.pem"), "-cert", File("pki/brief.pem"), "-key", File("pki/brief.key")},
      {}, "Q\n");
  EXPECT_NE(shaken.exit_code, 0) << shaken.out;
  EXPECT_THAT(shaken.err, HasSubstr("unexpected eof"));
  EXPECT_EQ(GetAs("operator"), "OK");
  Stop();
}

TEST_F(ClientCertificatesTest, ACertificateThatIsNotForAClientIsRefused) {
  Start();
  CreateConnection();
  AddClient("server", {.alternative_name = kOperator, .usage = "serverAuth"});
  AddClient("both", {.alternative_name = kOperator, .usage = "serverAuth,clientAuth"});
  EXPECT_THAT(GetAs("server"), HasSubstr("UNAVAILABLE"));
  EXPECT_EQ(GetAs("both"), "OK");
  Stop();
}

TEST_F(ClientCertificatesTest, AListThatHasExpiredRefusesItsClients) {
  Configure(ca_.Crl(), kMonitoring);
  Start();
  CreateConnection();
  const auto connected = Client();
  EXPECT_EQ(Get(*connected), "OK");
  const absl::Time end = UseBriefCrl();
  EXPECT_THAT(Series(signer_, kCrlSeries),
              ElementsAre(HasSubstr(absl::StrCat(absl::ToUnixSeconds(end)).substr(0, 6))));
  EXPECT_TRUE(Says("a CRL of ")) << "a warning";
  EXPECT_TRUE(Eventually([&] { return Get(*connected) == "UNAUTHENTICATED CLIENT_CRL_EXPIRED"; }));
  EXPECT_EQ(GetAs("backend"), "UNAUTHENTICATED CLIENT_CRL_EXPIRED");
  EXPECT_TRUE(Says(absl::StrCat(" ended at ", Utc(end))));
  Put("crl.pem", ca_.Crl());
  EXPECT_TRUE(Eventually([&] { return Get(*connected) == "OK"; }));
  Stop();
}

TEST_F(ClientCertificatesTest, ListsThatAreOfNoUseChangeNothing) {
  Configure(ca_.Crl({.revoked = {Read("pki/backend.pem")}}));
  Start();
  CreateConnection();
  const auto refused = Client("backend");
  EXPECT_EQ(Get(*refused), kRevoked);
  const struct {
    std::string crls;
    const char* mistake;
  } cases[] = {
      {"garbage", "holds no PEM CRL"},
      {TestCa("other").Crl(), "has no CRL of CN=Keyward development CA"},
      {TestCa("Keyward development CA").Crl(), "is not signed by that authority"},
      {ca_.Crl({.next_update = absl::Now() - absl::Minutes(1)}), "has expired"},
  };
  for (const auto& one : cases) {
    Put("crl.pem", one.crls);
    EXPECT_TRUE(Says(one.mistake));
    EXPECT_EQ(Get(*refused), kRevoked);
    EXPECT_EQ(GetAs("operator"), "OK");
  }
  Put("crl.pem", ca_.Crl());
  EXPECT_TRUE(Eventually([&] { return Get(*refused) == "OK"; }));
  Stop();

  for (const auto& one : cases) {
    Put("crl.pem", one.crls);
    const testing::Finished started = signer_.RunToEnd();
    EXPECT_NE(started.exit_code, 0);
    EXPECT_THAT(started.err, HasSubstr(absl::StrCat("tls.client_crl: ", File("crl.pem"), ": ")));
    EXPECT_THAT(started.err, HasSubstr(one.mistake));
  }
}

TEST_F(ClientCertificatesTest, OnlyTheKindsOfNamesThatAreListedCount) {
  AddClient("dns", {.alternative_name = "DNS:host.example"});
  AddClient("named", {.common_name = "Someone"});
  AddClient("mixed", {.alternative_name = absl::StrCat(kOperator, ",DNS:host.example")});
  constexpr char kInvalid[] = "UNAUTHENTICATED CLIENT_IDENTITY_INVALID";
  constexpr char kStranger[] = "PERMISSION_DENIED NOT_ALLOWED";
  signer_.Write("signer.yaml",
                absl::StrCat(signer_.DefaultConfig(), "identity:\n  kinds: [spiffe]\n"));
  Start();
  CreateConnection();
  EXPECT_EQ(GetAs("operator"), "OK");
  EXPECT_EQ(GetAs("mixed"), "OK");
  EXPECT_EQ(GetAs("dns"), kInvalid);
  EXPECT_EQ(GetAs("named"), kInvalid);
  Stop();

  signer_.Write("signer.yaml",
                absl::StrCat(signer_.DefaultConfig(), "identity:\n  kinds: [dns]\n"));
  Start();
  EXPECT_EQ(GetAs("operator"), kInvalid);
  // Not by a weaker name than it has.
  EXPECT_EQ(GetAs("mixed"), kInvalid);
  EXPECT_EQ(GetAs("dns"), kStranger);
  EXPECT_EQ(GetAs("named"), kInvalid);
  Stop();
}

}  // namespace
}  // namespace keyward::e2e
