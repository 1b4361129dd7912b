// Which versions of TLS will do, where the machine's own configuration of OpenSSL would allow more.
#include <unistd.h>

#include <cstdlib>

#include "tests/client/https/https_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {
namespace {

using ::keyward::testing::CertificateFiles;
using ::keyward::testing::Daemon;

class TlsVersionTest : public HttpsFixture {
 protected:
  // OpenSSL's own server, at that version only.
  std::unique_ptr<Daemon> Serve(const std::string& version) {
    const CertificateFiles files = pki_.Issue("server", "DNS:localhost");
    auto server =
        Daemon::Start({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port_),
                       "-cert", files.certificate, "-key", files.private_key, version, "-cipher",
                       "DEFAULT@SECLEVEL=0", "-www"});
    EXPECT_TRUE(server->WaitForOutput("ACCEPT")) << server->Output();
    return server;
  }

  std::string Url() const { return "https://localhost:" + std::to_string(port_); }

  const int port_ = testing::FreePort();
};

TEST_F(TlsVersionTest, From1_2On) {
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const auto server = Serve(version);
    const auto answer = Get(Url());
    EXPECT_TRUE(answer.ok()) << version << answer.status();
  }
}

TEST_F(TlsVersionTest, NothingOlder) {
  const auto server = Serve("-tls1_1");
  // Or else the next expectation would be met without our doing.
  ASSERT_EQ(testing::Run({"openssl", "s_client", "-connect", "localhost:" + std::to_string(port_),
                          "-tls1_1", "-CAfile", pki_.ca(), "-verify_return_error", "-cipher",
                          "DEFAULT@SECLEVEL=0"})
                .exit_code,
            0);
  const absl::Status status = Get(Url()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE");
}

}  // namespace
}  // namespace keyward::client

int main(int argc, char** argv) {
  // OpenSSL reads its configuration before main(), so that it takes another start to change it.
  const char* config = getenv("OPENSSL_CONF");
  if (config == nullptr || std::string(config) != KEYWARD_LAX_OPENSSL_CONF) {
    setenv("OPENSSL_CONF", KEYWARD_LAX_OPENSSL_CONF, 1);
    execv("/proc/self/exe", argv);
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
