// Where the client does not go.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/client/https/fake_names.h"
#include "tests/client/https/https_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {
namespace {

using ::keyward::testing::LoginHost;
using ::keyward::testing::SetAddresses;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

class LoginGuardTest : public HttpsFixture {};

// A socket that listens and says nothing.
class Listener {
 public:
  Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    if (bind(fd_, name, size) != 0 || listen(fd_, 8) != 0 || getsockname(fd_, name, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::string Url() const { return "https://127.0.0.1:" + std::to_string(port_); }

  // Waits for the first bytes of a connection and answers with a reset (RFC 9293 section 3.5.3).
  void ResetOne() const {
    const int client = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    char byte = 0;
    EXPECT_EQ(recv(client, &byte, 1, 0), 1);
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(client);
  }

 private:
  const int fd_;
  int port_ = 0;
};

TEST_F(LoginGuardTest, ANameThatIsAllowedMayNotLeadToAPrivateAddress) {
  options_.hosts = LoginHosts::New({.allowed = {"*.my.salesforce.com", "localhost"}}).value();
  EXPECT_EQ(ReasonFor("https://localhost"), "LOGIN_HOST_PRIVATE");
  for (const std::vector<std::string>& addresses :
       std::vector<std::vector<std::string>>{{"127.0.0.1"},
                                             {"::1"},
                                             {"10.0.0.1", "192.168.1.1"},
                                             {"169.254.169.254"},
                                             {"::ffff:127.0.0.1"},
                                             {"fe80::1", "fd00::1"},
                                             {"64:ff9b::7f00:1"}}) {
    // Another name each time: libcurl remembers them.
    const std::string name = "n" + std::to_string(addresses[0].size()) + "-" +
                             std::to_string(std::hash<std::string>()(addresses[0])) +
                             ".my.salesforce.com";
    SetAddresses(name, addresses);
    const absl::Status status = ErrorOf("https://" + name);
    EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_PRIVATE") << status;
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(name), HasSubstr("private_login_hosts")));
    EXPECT_EQ(testing::LookUpsOf(name), 1);
  }
}

// What listens there would have been reached.
TEST_F(LoginGuardTest, TheSameNameAsAPrivateHostIsReached) {
  SetAddresses("acme.my.salesforce.com", {"127.0.0.1"});
  options_.hosts = LoginHosts::New({.private_hosts = {"acme.my.salesforce.com"}}).value();
  EXPECT_TRUE(Post(host_.Url("acme.my.salesforce.com")).ok());
  EXPECT_EQ(host_.posted().size(), 1U);
}

TEST_F(LoginGuardTest, AHostThatIsNotAllowedIsNotEvenLookedUp) {
  SetAddresses("evil.example", {"127.0.0.1"});
  EXPECT_EQ(ReasonFor("https://evil.example"), "LOGIN_HOST_NOT_ALLOWED");
  EXPECT_EQ(testing::LookUpsOf("evil.example"), 0);
  EXPECT_EQ(ReasonFor(host_.Url("127.0.0.2")), "LOGIN_HOST_NOT_ALLOWED");
  EXPECT_EQ(ReasonFor("https://169.254.169.254"), "LOGIN_HOST_NOT_ALLOWED");
  EXPECT_EQ(ReasonFor("https://user@localhost"), "LOGIN_URL_INVALID");
  EXPECT_EQ(ReasonFor("https://2130706433"), "LOGIN_URL_INVALID");
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(LoginGuardTest, ANameThatDoesNotResolveIsUnknown) {
  testing::SetUnknown("gone.my.salesforce.com");
  const absl::Status status = ErrorOf("https://gone.my.salesforce.com");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNKNOWN");
  EXPECT_THAT(std::string(status.message()), HasSubstr("gone.my.salesforce.com"));
}

TEST_F(LoginGuardTest, ASlowLookUpDoesNotOutlastTheDeadline) {
  absl::Notification release;
  testing::SetSlow("slow.my.salesforce.com", &release);
  const auto status = Get("https://slow.my.salesforce.com", absl::Now() + absl::Milliseconds(300));
  EXPECT_EQ(ReasonOf(status.status()), "LOGIN_HOST_TIMEOUT");
  EXPECT_EQ(testing::LookUpsOf("slow.my.salesforce.com"), 0);
  release.Notify();
  // Its thread uses `release`.
  while (testing::LookUpsOf("slow.my.salesforce.com") == 0) absl::SleepFor(absl::Milliseconds(1));
}

TEST_F(LoginGuardTest, TheConnectTimeLimitHoldsInTheHandshake) {
  // Its backlog accepts, and nobody answers.
  const Listener listener;
  options_.connect_timeout = absl::Milliseconds(300);
  options_.total_timeout = absl::Hours(1);
  const absl::Time start = absl::Now();
  EXPECT_EQ(ReasonFor(listener.Url()), "LOGIN_HOST_TIMEOUT");
  // Far from both the limit and libcurl's own 300 s.
  EXPECT_LT(absl::Now() - start, absl::Seconds(60));
}

TEST_F(LoginGuardTest, AResetConnectionIsAnError) {
  const Listener listener;
  std::thread resets([&listener] { listener.ResetOne(); });
  const absl::Status status = ErrorOf(listener.Url());
  resets.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE");
}

TEST_F(LoginGuardTest, NobodyListens) {
  const absl::Status status = ErrorOf("https://127.0.0.1:" + std::to_string(testing::FreePort()));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE");
  EXPECT_THAT(std::string(status.message()),
              EndsWith(": check the network, the proxy and the login URL"));
}

TEST_F(LoginGuardTest, ACertificateByAnotherCaIsNotTrusted) {
  pki_.MakeCa("other");
  const LoginHost stranger(pki_.Issue("stranger", "DNS:localhost", "other"));
  const absl::Status status = ErrorOf(stranger.Url());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_TRUE(stranger.posted().empty());
}

TEST_F(LoginGuardTest, TheSystemsCasDoNotKnowTheTestsOne) {
  options_.ca_file = "";
  EXPECT_EQ(ReasonFor(host_.Url()), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_TRUE(host_.posted().empty());
}

TEST_F(LoginGuardTest, ACertificateForAnotherNameIsNotTrusted) {
  const LoginHost elsewhere(pki_.Issue("elsewhere", "DNS:login.example"));
  EXPECT_EQ(ReasonFor(elsewhere.Url()), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_EQ(ReasonFor(elsewhere.Url("127.0.0.1")), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_TRUE(elsewhere.posted().empty());
}

}  // namespace
}  // namespace keyward::client
