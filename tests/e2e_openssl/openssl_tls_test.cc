// TLS of s_server and s_client, where the key of one is on the token and the other
// has OpenSSL's own code alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tests/e2e_openssl/openssl_fixture.h"

namespace keyward {
namespace {

using ::testing::HasSubstr;

struct Version {
  std::string option;
  std::string name;
};

void PrintTo(const Version& version, std::ostream* out) { *out << version.name; }

// s_server writes this when it listens.
constexpr char kReady[] = "ACCEPT";

class OpensslTlsTest : public OpensslTest {
 protected:
  // `openssl s_server ARGUMENTS`, listening on address(). It answers with a page.
  std::unique_ptr<testing::Daemon> Serve(const testing::Environment& environment,
                                         const Arguments& arguments) const {
    Arguments argv = {"openssl", "s_server", "-accept", address(), "-www"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    std::unique_ptr<testing::Daemon> server = testing::Daemon::Start(argv, environment);
    EXPECT_TRUE(server->WaitForOutput(kReady)) << server->Output();
    return server;
  }

  std::unique_ptr<testing::Daemon> ServeFromToken(const Arguments& arguments) const {
    return Serve(KeywardEnvironment(configuration()), arguments);
  }

  // s_client's arguments for a request whose server must have a certificate of
  // `ca_file`.
  Arguments Client(const std::string& ca_file, const std::string& option) const {
    return {
        "s_client",         "-connect",  address(), "-CAfile", ca_file,   "-verify_return_error",
        "-verify_hostname", "localhost", option,    "-brief",  "-ign_eof"};
  }

  const std::string& address() const { return address_; }

  static constexpr char kRequest[] = "GET / HTTP/1.0\r\n\r\n";

 private:
  const std::string address_ = absl::StrCat("127.0.0.1:", testing::FreePort());
};

void ExpectServed(const testing::Finished& client, const std::string& version) {
  EXPECT_EQ(client.exit_code, 0) << client.err;
  EXPECT_THAT(client.err, HasSubstr("Protocol version: " + version + "\n"));
  EXPECT_THAT(client.err, HasSubstr("Verification: OK\n"));
  EXPECT_THAT(client.out, HasSubstr("HTTP/1.0 200 ok"));
}

class OpensslTlsKeyTest : public OpensslTlsTest,
                          public ::testing::WithParamInterface<std::tuple<TokenKey, Version>> {
 protected:
  const TokenKey& key() const { return std::get<0>(GetParam()); }
  const Version& version() const { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Keys, OpensslTlsKeyTest,
                         ::testing::Combine(::testing::ValuesIn(AllKeys()),
                                            ::testing::Values(Version{"-tls1_2", "TLSv1.2"},
                                                              Version{"-tls1_3", "TLSv1.3"})),
                         [](const auto& info) {
                           return std::get<0>(info.param).label +
                                  std::get<1>(info.param).option.substr(4);
                         });

TEST_P(OpensslTlsKeyTest, ServesWithAKeyOnTheToken) {
  const std::string certificate = Certificate(key());
  const auto server = ServeFromToken({version().option, "-cert", certificate, "-key", key().Uri()});
  for (int i = 0; i < 3; ++i) {
    ExpectServed(Software(Client(certificate, version().option), kRequest), version().name);
  }
  // The client looks: another certificate of the same name does not do.
  const std::string other = Certificate(key().label == "rsa" ? Ec256() : Rsa());
  const testing::Finished refused = Software(Client(other, version().option), kRequest);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("certificate verify failed"));
}

TEST_P(OpensslTlsKeyTest, IsAClientWithAKeyOnTheToken) {
  const std::string certificate = Certificate(key());
  const std::string server_key = SoftwareKey("server.key");
  const std::string server_certificate = File("server.pem");
  DoInSoftware({"req", "-new", "-x509", "-key", server_key, "-subj", "/CN=localhost", "-out",
                server_certificate});
  const auto server = Serve({{"OPENSSL_CONF", "/dev/null"}},
                            {version().option, "-cert", server_certificate, "-key", server_key,
                             "-CAfile", certificate, "-Verify", "1", "-verify_return_error"});
  Arguments client = Client(server_certificate, version().option);
  ExpectServed(Openssl(
                   [&] {
                     Arguments with_key = client;
                     with_key.insert(with_key.end(), {"-cert", certificate, "-key", key().Uri()});
                     return with_key;
                   }(),
                   kRequest),
               version().name);
  // The server asks: without a certificate there is nothing.
  EXPECT_NE(Openssl(client, kRequest).out.substr(0, 4), "HTTP");
}

TEST_F(OpensslTlsTest, ServesWithKeyAndCertificateFromTheToken) {
  StoreCertificate(Ec256());
  const auto server =
      ServeFromToken({"-cert", "pkcs11:object=ec256;type=cert", "-key", Ec256().Uri()});
  ExpectServed(Software(Client(File("ec256.pem"), "-tls1_3"), kRequest), "TLSv1.3");
}

// A server with two keys, as many have: RSA on the token, EC in a file.
TEST_F(OpensslTlsTest, ServesWithASoftwareKeyBesideTheTokens) {
  const std::string certificate = Certificate(Rsa());
  const std::string software_key = SoftwareKey("software.key");
  const std::string software_certificate = File("software.pem");
  DoInSoftware({"req", "-new", "-x509", "-key", software_key, "-subj", "/CN=localhost", "-out",
                software_certificate});
  const auto server = ServeFromToken({"-cert", certificate, "-key", Rsa().Uri(), "-dcert",
                                      software_certificate, "-dkey", software_key});
  Arguments rsa = Client(certificate, "-tls1_3");
  rsa.insert(rsa.end(), {"-sigalgs", "RSA-PSS+SHA256"});
  ExpectServed(Software(rsa, kRequest), "TLSv1.3");
  Arguments ec = Client(software_certificate, "-tls1_3");
  ec.insert(ec.end(), {"-sigalgs", "ECDSA+SHA256"});
  ExpectServed(Software(ec, kRequest), "TLSv1.3");
}

TEST_F(OpensslTlsTest, ServesWithASoftwareKeyAndClientsCaOnTheToken) {
  StoreCertificate(Rsa());
  DoInSoftware({"req", "-new", "-key", SoftwareKey("software.key"), "-subj", "/CN=localhost",
                "-out", File("software.csr")});
  Do({"x509", "-req", "-in", File("software.csr"), "-CA", File("rsa.pem"), "-CAkey", Rsa().Uri(),
      "-days", "1", "-extfile", Write("ext", "subjectAltName=DNS:localhost\n"), "-out",
      File("software.pem")});
  const auto server =
      ServeFromToken({"-cert", File("software.pem"), "-key", File("software.key"), "-CAstore",
                      "pkcs11:type=cert", "-Verify", "1", "-verify_return_error"});
  Arguments client = Client(File("rsa.pem"), "-tls1_3");
  client.insert(client.end(), {"-cert", File("software.pem"), "-key", File("software.key")});
  ExpectServed(Software(client, kRequest), "TLSv1.3");
}

}  // namespace
}  // namespace keyward
