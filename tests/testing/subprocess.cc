#include "tests/testing/subprocess.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"

namespace keyward::testing {
namespace {

[[noreturn]] void Die(const char* what) {
  perror(what);
  abort();
}

// Starts `argv` with its three standard streams on files. The argument and
// environment vectors are made before the fork: after it, in a process that
// has threads, only async-signal-safe calls are allowed.
pid_t Spawn(const std::vector<std::string>& argv, const Environment& environment,
            const std::string& in, const std::string& out, const std::string& err) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name = std::string(*entry).substr(0, std::string(*entry).find('='));
    if (!environment.contains(name)) entries.emplace_back(*entry);
  }
  for (const auto& [name, value] : environment) {
    entries.push_back(absl::StrCat(name, "=", value));
  }
  std::vector<char*> envp;
  envp.reserve(entries.size() + 1);
  for (std::string& entry : entries) envp.push_back(entry.data());
  envp.push_back(nullptr);
  std::vector<char*> args;
  args.reserve(argv.size() + 1);
  for (const std::string& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
  args.push_back(nullptr);

  const int in_fd = open(in.c_str(), O_RDONLY | O_CLOEXEC);
  const int out_fd = open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int err_fd = open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (in_fd < 0 || out_fd < 0 || err_fd < 0) Die("open");
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) {
    // A test that ctest ends must not leave its daemons behind.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in_fd, STDIN_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    dup2(err_fd, STDERR_FILENO);
    execvpe(args[0], args.data(), envp.data());
    _exit(127);
  }
  close(in_fd);
  close(out_fd);
  close(err_fd);
  return pid;
}

int ExitCode(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

std::string Contents(const std::string& path) {
  return ReadFile(path, size_t{64} << 20).value_or("");
}

// Polls because a child's end and a file's growth have no common wait.
bool PollUntil(absl::Duration timeout, const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

}  // namespace

Finished Run(const std::vector<std::string>& argv, const Environment& environment,
             absl::string_view input) {
  TempDir dir;
  if (!WriteFile(dir.File("in"), input).ok()) Die("input");
  const pid_t pid = Spawn(argv, environment, dir.File("in"), dir.File("out"), dir.File("err"));
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) Die("waitpid");
  return {ExitCode(status), Contents(dir.File("out")), Contents(dir.File("err"))};
}

std::unique_ptr<Daemon> Daemon::Start(const std::vector<std::string>& argv,
                                      const Environment& environment) {
  std::unique_ptr<Daemon> daemon(new Daemon());
  const std::string log = daemon->dir_.File("log");
  daemon->pid_ = Spawn(argv, environment, "/dev/null", log, log);
  return daemon;
}

Daemon::~Daemon() {
  if (ended_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::string Daemon::Output() const { return Contents(dir_.File("log")); }

bool Daemon::WaitForOutput(absl::string_view text, absl::Duration timeout) {
  bool found = false;
  PollUntil(timeout, [&] {
    const bool ended = Wait(absl::ZeroDuration()) != -1;
    found = absl::StrContains(Output(), text);
    return found || ended;
  });
  return found;
}

void Daemon::Signal(int signal) const { kill(pid_, signal); }

int Daemon::Wait(absl::Duration timeout) {
  PollUntil(timeout, [&] {
    if (ended_) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    exit_code_ = ExitCode(status);
    ended_ = true;
    return true;
  });
  return exit_code_;
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    Die("free port");
  }
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace keyward::testing
