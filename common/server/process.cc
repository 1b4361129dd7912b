#include "common/server/process.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace keyward::server {
namespace {

// gRPC 1.51 gives its listener up for good when accept4(2) fails, as it does when
// descriptors run out: the process would look alive and take no connection ever
// again.
constexpr char kListenerIsDead[] = "Failed accept4";

void LogGrpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) spdlog::error("grpc: {}", args->message);
  if (absl::StrContains(args->message, kListenerIsDead)) {
    spdlog::critical("grpc has given up listening; ending, to be restarted");
    abort();
  }
}

void RaiseLimit(int resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(resource, &limit) != 0) spdlog::warn("cannot raise a resource limit");
}

}  // namespace

void PrepareProcess() {
  const rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0) {
    spdlog::warn("cannot switch core dumps off");
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    spdlog::warn("cannot give up the privileges of set-user-ID programs");
  }
  umask(S_IRWXG | S_IRWXO);
  RaiseLimit(RLIMIT_NOFILE);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  // Protobuf would print each malformed text that a caller sends.
  google::protobuf::SetLogHandler(nullptr);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function(LogGrpc);
}

sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

}  // namespace keyward::server
