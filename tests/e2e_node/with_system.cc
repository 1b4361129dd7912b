// with_system COMMAND [ARGUMENT...]: starts a signer, an exchange and a stand-in for
// Salesforce with one connection that works, runs COMMAND with what it needs to know in
// its environment, ends everything, and exits with COMMAND's code. Nothing but 127.0.0.1
// can be reached from in here, where the kernel has network namespaces to give.
#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tests/e2e_exchange/exchange_system.h"
#include "tests/e2e_node/loopback_only.h"

namespace keyward::testing {
namespace {

// Beside `listen`, so that both ways in can be tried.
constexpr char kUnixSocket[] = R"(unix_socket:
  path: exchange.socket
  identity: spiffe://keyward.example/backend
)";

// tests/e2e_node/system.mjs reads these. The `keyward` command finds its settings, as the
// operator.
Environment ForPrograms(const e2e::ExchangeSystem& system) {
  const SignerProcess& signer = system.signer();
  const char* path = getenv("PATH");
  // Programs that keep files of their own keep them here.
  (void)mkdir(signer.File("home").c_str(), 0700);
  return {
      {"PATH", absl::StrCat(KEYWARD_BINARY_DIR, ":", path == nullptr ? "" : path)},
      {"HOME", signer.File("home")},
      {"TMPDIR", signer.File("home")},
      {"KEYWARD_CONFIG", ""},
      {"KEYWARD_SIGNER", signer.address()},
      {"KEYWARD_CA", signer.File("pki/ca.pem")},
      {"KEYWARD_CERTIFICATE", signer.File("pki/operator.pem")},
      {"KEYWARD_PRIVATE_KEY", signer.File("pki/operator.key")},
      {"KEYWARD_HTTPS_CA", system.standin().ca_file()},
      {"KEYWARD_PRIVATE_LOGIN_HOSTS", "127.0.0.1"},
      // Node's fetch and its https trust it beside the usual ones.
      {"NODE_EXTRA_CA_CERTS", system.standin().ca_file()},
      // What it says is "HOST:PORT and unix:PATH".
      {"SYSTEM_EXCHANGE", system.address().substr(0, system.address().find(' '))},
      {"SYSTEM_EXCHANGE_SOCKET", signer.File("exchange.socket")},
      {"SYSTEM_PKI", signer.File("pki")},
      {"SYSTEM_PROTO", absl::StrCat(KEYWARD_SOURCE_DIR, "/proto")},
      {"SYSTEM_SALESFORCE", system.standin().origin()},
      {"SYSTEM_SALESFORCE_ADMIN", absl::StrCat("http://127.0.0.1:", system.standin().admin_port())},
      {"SYSTEM_SALESFORCE_CA", system.standin().ca_file()},
      {"SYSTEM_SUBJECT", e2e::kUser}};
}

// With our own standard streams, so that its words are ctest's.
int RunCommand(char** command, const Environment& environment) {
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    // What cpp-httplib has us ignore, other programs may want.
    (void)signal(SIGPIPE, SIG_DFL);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    // A proxy would be asked for 127.0.0.1, too.
    for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "HTTP_PROXY",
                             "HTTPS_PROXY", "ALL_PROXY"}) {
      unsetenv(name);
    }
    execvp(command[0], command);
    (void)fprintf(stderr, "%s: %s; scripts/setup --test-tools installs what the tests need\n",
                  command[0], strerror(errno));
    _exit(127);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    (void)fprintf(stderr, "usage: with_system COMMAND [ARGUMENT...]\n");
    return 2;
  }
  if (const absl::Status status = EnterLoopbackOnlyNetwork(); !status.ok()) {
    (void)fprintf(stderr, "The network is not cut off here (%s).\n", status.ToString().c_str());
  }
  e2e::ExchangeSystem system;
  system.WriteConfig(absl::StrCat(system.DefaultConfig(), kUnixSocket));
  if (!system.Start()) {
    (void)fprintf(stderr, "%s\n", system.daemon().Output().c_str());
    return 1;
  }
  return RunCommand(argv + 1, ForPrograms(system));
}

}  // namespace
}  // namespace keyward::testing

int main(int argc, char** argv) { return keyward::testing::Main(argc, argv); }
