// Real processes for tests: the daemons, the command, openssl.
#ifndef KEYWARD_TESTS_TESTING_SUBPROCESS_H_
#define KEYWARD_TESTS_TESTING_SUBPROCESS_H_

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/testing/temp_dir.h"

namespace keyward::testing {

// Added to this process's environment for the child.
using Environment = std::map<std::string, std::string>;

struct Finished {
  // What it exited with, or 128 + the signal that killed it.
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Runs `argv` (argv[0] is looked up in PATH) to its end with `input` as
// standard input. A test whose command hangs is ended by ctest.
Finished Run(const std::vector<std::string>& argv, const Environment& environment = {},
             absl::string_view input = "");

// A process in the background. The destructor kills it and waits for it.
class Daemon {
 public:
  static std::unique_ptr<Daemon> Start(const std::vector<std::string>& argv,
                                       const Environment& environment = {});
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  pid_t pid() const { return pid_; }

  // Everything it wrote to standard output and standard error so far.
  std::string Output() const;

  // True as soon as Output() contains `text`; false when the process has ended
  // or `timeout` has passed without it.
  bool WaitForOutput(absl::string_view text, absl::Duration timeout = absl::Seconds(30));

  void Signal(int signal) const;

  // Waits for the end and returns the exit code as in Finished, -1 when it still
  // runs after `timeout`.
  int Wait(absl::Duration timeout = absl::Seconds(30));

 private:
  Daemon() = default;

  TempDir dir_;
  pid_t pid_ = -1;
  int exit_code_ = -1;
  bool ended_ = false;
};

// A TCP port of 127.0.0.1 that nothing listened on a moment ago.
int FreePort();

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_SUBPROCESS_H_
