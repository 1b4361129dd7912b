// The daemon's TLS files are replaced while it runs.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/e2e/signer_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::e2e {
namespace {

using ::testing::HasSubstr;

class TlsReloadTest : public SignerTest {
 protected:
  TlsReloadTest() {
    const testing::Finished other = testing::Run({KEYWARD_DEV_PKI, File("other")});
    EXPECT_EQ(other.exit_code, 0) << other.err;
    // What the daemon will have next; its clients know the authority.
    Openssl({"req",
             "-x509",
             "-newkey",
             "ec",
             "-pkeyopt",
             "ec_paramgen_curve:P-256",
             "-noenc",
             "-subj",
             "/CN=next",
             "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1",
             "-days",
             "30",
             "-CA",
             File("pki/ca.pem"),
             "-CAkey",
             File("pki/ca.key"),
             "-keyout",
             File("next.key"),
             "-out",
             File("next.pem")});
  }

  static void Openssl(std::vector<std::string> argv) {
    argv.insert(argv.begin(), "openssl");
    const testing::Finished finished = testing::Run(argv);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }

  std::string File(absl::string_view name) const { return signer_.File(name); }
  std::string Read(absl::string_view name) const { return ReadFile(File(name)).value_or("?"); }

  // By rename(2), as certificate managers do.
  void Put(absl::string_view name, absl::string_view text, unsigned mode = 0644) const {
    ASSERT_TRUE(WriteFile(File(name), text, mode).ok());
  }
  void Install(absl::string_view certificate, absl::string_view key) const {
    Put("pki/signer.pem", Read(certificate));
    Put("pki/signer.key", Read(key), 0600);
  }

  // Whether a new connection is shown the certificate in the text `pem`.
  bool IsShown(absl::string_view pem) const {
    const testing::Finished shown = testing::Run(
        {"openssl", "s_client", "-connect", signer_.address(), "-CAfile", File("pki/ca.pem"),
         "-cert", File("pki/operator.pem"), "-key", File("pki/operator.key"), "-alpn", "h2"},
        {}, "Q\n");
    return absl::StrContains(shown.out, pem);
  }

  // What a client on a connection of its own gets.
  std::string GetAs(const std::string& name) const { return Get(*Client(name)); }
  static std::string Get(client::SignerClient& client) {
    return CodeAndReason(client.GetConnection("acme").status());
  }

  // Whether the daemon has said `text`.
  bool Says(absl::string_view text) { return signer_.daemon().WaitForOutput(text, kPatience); }
};

constexpr char kInUse[] = "new connections use the new TLS files";
constexpr char kAgain[] = "the TLS files are again the ones in use";

TEST_F(TlsReloadTest, NewConnectionsSeeARenewedCertificateAndOldOnesGoOn) {
  Start();
  CreateConnection();
  const auto old = Client();
  EXPECT_EQ(Get(*old), "OK");
  const std::string first = Read("pki/signer.pem");
  EXPECT_TRUE(IsShown(first));
  Install("next.pem", "next.key");
  EXPECT_TRUE(Says(kInUse)) << signer_.daemon().Output();
  EXPECT_TRUE(IsShown(Read("next.pem")));
  EXPECT_EQ(GetAs("operator"), "OK");
  EXPECT_EQ(Get(*old), "OK");
  Stop();
}

TEST_F(TlsReloadTest, FilesThatCannotBeUsedChangeNothing) {
  Start();
  CreateConnection();
  const std::string certificate = Read("pki/signer.pem");
  const std::string key = Read("pki/signer.key");

  Put("pki/signer.pem", "");
  EXPECT_TRUE(Says(
      absl::StrCat("tls.certificate: ", File("pki/signer.pem"), ": holds no PEM certificate")));
  EXPECT_TRUE(IsShown(certificate));
  EXPECT_EQ(GetAs("operator"), "OK");

  Put("pki/signer.pem", Read("next.pem"));
  EXPECT_TRUE(Says(absl::StrCat("tls.private_key: ", File("pki/signer.key"),
                                ": does not belong to the certificate")));
  EXPECT_TRUE(IsShown(certificate));

  Openssl({"req", "-new", "-key", File("next.key"), "-subj", "/CN=next", "-out", File("next.csr")});
  Openssl({"x509", "-req", "-in", File("next.csr"), "-CA", File("pki/ca.pem"), "-CAkey",
           File("pki/ca.key"), "-days", "-1", "-out", File("expired.pem")});
  Install("expired.pem", "next.key");
  EXPECT_TRUE(Says(absl::StrCat("tls.certificate: ", File("pki/signer.pem"), ": has expired")));
  EXPECT_TRUE(IsShown(certificate));
  EXPECT_EQ(GetAs("operator"), "OK");

  Put("pki/signer.pem", certificate);
  Put("pki/signer.key", key, 0600);
  EXPECT_TRUE(Says(kAgain));
  Install("next.pem", "next.key");
  EXPECT_TRUE(Says(kInUse));
  EXPECT_TRUE(IsShown(Read("next.pem")));
  EXPECT_EQ(GetAs("operator"), "OK");
  Stop();
  // Said once each, and nothing of the key with it.
  const std::string output = signer_.daemon().Output();
  for (const char* said : {"holds no PEM certificate", "has expired", kInUse, kAgain}) {
    const size_t at = output.find(said);
    EXPECT_EQ(output.find(said, at + 1), std::string::npos) << said;
  }
  EXPECT_FALSE(absl::StrContains(output, "PRIVATE KEY"));
}

TEST_F(TlsReloadTest, AClientAuthorityThatIsGoneServesNoMore) {
  Start();
  CreateConnection();
  Stop();
  signer_.Write("signer.yaml", testing::Replaced(signer_.DefaultConfig(), "client_ca: pki/ca.pem",
                                                 "client_ca: client-ca.pem"));
  const std::string both = Read("pki/ca.pem") + Read("other/ca.pem");
  Put("client-ca.pem", both);
  // A client of the other authority, with a name that the policy knows.
  Put("pki/other.pem", Read("other/operator.pem"));
  Put("pki/other.key", Read("other/operator.key"), 0600);
  Start();
  const auto connected = Client();
  EXPECT_EQ(Get(*connected), "OK");
  EXPECT_EQ(GetAs("other"), "OK");

  Put("client-ca.pem", Read("other/ca.pem"));
  EXPECT_TRUE(Says(kInUse));
  EXPECT_THAT(GetAs("operator"), HasSubstr("UNAVAILABLE"));
  EXPECT_EQ(GetAs("other"), "OK");
  // On a connection from before it is its next call that is refused.
  EXPECT_EQ(Get(*connected), "UNAUTHENTICATED CLIENT_CERTIFICATE_INVALID");

  // A set without any authority is none.
  Put("client-ca.pem", "");
  EXPECT_TRUE(
      Says(absl::StrCat("tls.client_ca: ", File("client-ca.pem"), ": holds no PEM certificate")));
  EXPECT_EQ(GetAs("other"), "OK");
  EXPECT_THAT(GetAs("operator"), HasSubstr("UNAVAILABLE"));

  Put("client-ca.pem", both);
  EXPECT_TRUE(Eventually([&] { return GetAs("operator") == "OK"; }));
  EXPECT_EQ(GetAs("other"), "OK");
  EXPECT_EQ(Get(*connected), "OK");
  Stop();
}

}  // namespace
}  // namespace keyward::e2e
