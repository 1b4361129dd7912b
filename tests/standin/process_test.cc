// The real binary as a process: flags, files, signals, TLS, addresses.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/standin/testing/standin_process.h"

namespace keyward::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

bool Connects(const char* address, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address, &to.sin_addr);
  const bool connected = connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0;
  close(fd);
  return connected;
}

// A directory with tls.pem and tls.key, and what the binary says of its flags.
class StandinFlagsTest : public ::testing::Test {
 protected:
  StandinFlagsTest() {
    const TestKey tls = NewEcKey();
    EXPECT_TRUE(WriteFile(dir_.File("tls.pem"), tls.certificate_pem).ok());
    EXPECT_TRUE(WriteFile(dir_.File("tls.key"), tls.key_pem).ok());
  }

  Finished RunWith(const std::string& certificate, const std::string& key,
                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> argv = {StandinBinary(), "--certificate", dir_.File(certificate),
                                     "--private-key", dir_.File(key)};
    argv.insert(argv.end(), more.begin(), more.end());
    return testing::Run(argv);
  }

  const TempDir dir_;
};

TEST_F(StandinFlagsTest, WrongUsageEndsWith2) {
  EXPECT_EQ(testing::Run({StandinBinary()}).exit_code, 2);
  EXPECT_EQ(RunWith("tls.pem", "tls.key", {"--port", "65536"}).exit_code, 2);
  EXPECT_EQ(RunWith("tls.pem", "tls.key", {"--admin-port", "x"}).exit_code, 2);
  EXPECT_EQ(RunWith("tls.pem", "tls.key", {"--session-seconds", "0"}).exit_code, 2);
  EXPECT_EQ(RunWith("tls.pem", "tls.key", {"--session-seconds", "86401"}).exit_code, 2);
  EXPECT_EQ(RunWith("tls.pem", "tls.key", {"--nonsense"}).exit_code, 2);
  const Finished help = testing::Run({StandinBinary(), "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Example"));
}

TEST_F(StandinFlagsTest, FilesThatDoNotFitAreNamed) {
  ASSERT_TRUE(WriteFile(dir_.File("other.key"), NewEcKey().key_pem).ok());
  ASSERT_EQ(
      testing::Run({"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-aes256", "-pass", "pass:x", "-out", dir_.File("encrypted.key")})
          .exit_code,
      0);
  ASSERT_TRUE(WriteFile(dir_.File("org.json"), "{").ok());
  struct Case {
    Finished finished;
    std::string named;
  };
  for (const Case& one : std::vector<Case>{
           {RunWith("none.pem", "tls.key"), "none.pem"},
           {RunWith("tls.key", "tls.key"), "tls.key"},
           {RunWith("tls.pem", "none.key"), "none.key"},
           {RunWith("tls.pem", "other.key"), "other.key"},
           {RunWith("tls.pem", "encrypted.key"), "encrypted.key"},
           {RunWith("tls.pem", "tls.key", {"--state-dir", dir_.path()}), "org.json"},
           {RunWith("tls.pem", "tls.key", {"--state-dir", dir_.File("tls.pem")}), "tls.pem"}}) {
    EXPECT_EQ(one.finished.exit_code, 1) << one.named;
    EXPECT_THAT(one.finished.err, HasSubstr(one.named));
    EXPECT_EQ(one.finished.out, "") << one.named;
  }
}

TEST_F(StandinFlagsTest, APortThatIsTakenIsNamed) {
  const std::unique_ptr<StandinProcess> first = StandinProcess::Start();
  for (const char* flag : {"--port", "--admin-port"}) {
    for (const int taken : {first->port(), first->admin_port()}) {
      const Finished second = RunWith("tls.pem", "tls.key", {flag, absl::StrCat(taken)});
      EXPECT_EQ(second.exit_code, 1);
      EXPECT_THAT(second.err, HasSubstr(absl::StrCat("port ", taken)));
    }
  }
}

TEST(StandinProcessTest, TakesThePortsThatItIsGiven) {
  const int port = FreePort();
  const std::unique_ptr<StandinProcess> standin =
      StandinProcess::Start({"--port", absl::StrCat(port)});
  EXPECT_EQ(standin->port(), port);
  EXPECT_NE(standin->admin_port(), port);
}

TEST(StandinProcessTest, ListensOnOneAddressOnly) {
  const std::unique_ptr<StandinProcess> standin = StandinProcess::Start();
  for (const int port : {standin->port(), standin->admin_port()}) {
    EXPECT_TRUE(Connects("127.0.0.1", port));
    EXPECT_FALSE(Connects("127.0.0.2", port));
  }
}

TEST(StandinProcessTest, ASignalEndsItCleanlyEvenWithOpenConnections) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const std::unique_ptr<StandinProcess> standin = StandinProcess::Start();
    const std::unique_ptr<httplib::SSLClient> client = standin->Client();
    client->set_keep_alive(true);
    ASSERT_EQ(client->Get("/services/data")->status, 200);
    standin->daemon().Signal(signal);
    EXPECT_EQ(standin->daemon().Wait(), 0);
    EXPECT_FALSE(Connects("127.0.0.1", standin->port()));
  }
}

TEST(StandinProcessTest, SpeaksNoTlsBefore12) {
  // OpenSSL as lax as it gets, so that only the binary's own limit is left.
  const TempDir dir;
  ASSERT_TRUE(WriteFile(dir.File("openssl.cnf"),
                        "openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = lax\n"
                        "[lax]\nMinProtocol = TLSv1\nCipherString = DEFAULT@SECLEVEL=0\n")
                  .ok());
  const Environment lax = {{"OPENSSL_CONF", dir.File("openssl.cnf")}};
  const std::unique_ptr<StandinProcess> standin = StandinProcess::Start({}, lax);
  const auto handshake = [&](const char* version) {
    return testing::Run(
               {"openssl", "s_client", "-connect", absl::StrCat("127.0.0.1:", standin->port()),
                "-CAfile", standin->ca_file(), "-verify_return_error", version},
               lax)
        .exit_code;
  };
  EXPECT_EQ(handshake("-tls1_3"), 0);
  EXPECT_EQ(handshake("-tls1_2"), 0);
  EXPECT_NE(handshake("-tls1_1"), 0);
  EXPECT_NE(handshake("-tls1"), 0);
}

TEST(StandinProcessTest, AppsSurviveARestartInTheStateDirectory) {
  const TempDir dir;
  const std::vector<std::string> flags = {"--state-dir", dir.File("state")};
  std::unique_ptr<StandinProcess> standin = StandinProcess::Start(flags);
  const std::string app = standin->CreateApp({{"name", "acme"}});
  ASSERT_EQ(standin->UploadCertificate(app, NewRsaKey().certificate_pem), 204);
  const std::string before = standin->AdminClient().Get("/apps")->body;
  // Killed: what was answered is on disk already.
  standin->daemon().Signal(SIGKILL);
  ASSERT_NE(standin->daemon().Wait(), -1);
  standin = StandinProcess::Start(flags);
  EXPECT_EQ(standin->AdminClient().Get("/apps")->body, before);
  EXPECT_THAT(before, HasSubstr(app));
}

}  // namespace
}  // namespace keyward::testing
