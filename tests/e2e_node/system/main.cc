// keyward_test_system COMMAND [ARGUMENT...]: starts a whole Keyward with a stand-in for
// Salesforce, runs COMMAND with what it needs to know in its environment, ends
// everything, and exits with COMMAND's code. Nothing but 127.0.0.1 can be reached from
// in here, where the kernel has network namespaces to give.
#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "tests/e2e_node/system/loopback_only.h"
#include "tests/e2e_node/system/system.h"

namespace keyward::testing {
namespace {

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
    (void)fprintf(stderr, "usage: keyward_test_system COMMAND [ARGUMENT...]\n");
    return 2;
  }
  if (const absl::Status status = EnterLoopbackOnlyNetwork(); !status.ok()) {
    (void)fprintf(stderr, "The network is not cut off here (%s).\n", status.ToString().c_str());
  }
  const auto system = KeywardSystem::Start();
  if (!system.ok()) {
    (void)fprintf(stderr, "keyward_test_system: %s\n", system.status().ToString().c_str());
    return 1;
  }
  return RunCommand(argv + 1, (*system)->ForPrograms());
}

}  // namespace
}  // namespace keyward::testing

int main(int argc, char** argv) { return keyward::testing::Main(argc, argv); }
