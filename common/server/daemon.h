// What the main() of every daemon does.
#ifndef KEYWARD_COMMON_SERVER_DAEMON_H_
#define KEYWARD_COMMON_SERVER_DAEMON_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace keyward::server {

// One that serves. Its destructor closes everything in order.
class RunningDaemon {
 public:
  virtual ~RunningDaemon() = default;
  // "127.0.0.1:7443", with the port that was really bound.
  virtual std::string address() const = 0;
  // Refuses new calls and lets those under way finish.
  virtual void Drain() = 0;
};

struct DaemonProgram {
  // "keyward-signer"
  std::string name;
  // For --help.
  std::string about;
  std::string version;
  // Reads the settings at this path and checks them with the files that they name.
  std::function<absl::Status(const std::string& config_file)> load;
  // Called once after `load`.
  std::function<absl::StatusOr<std::unique_ptr<RunningDaemon>>()> start;
};

// `NAME --config FILE [--check-config]`: hardens the process, loads, starts, prints
// "NAME: serving on ADDRESS", and drains and stops at SIGTERM or SIGINT. The exit code:
// 0 done, 1 failed, 2 wrong usage.
int RunDaemon(const DaemonProgram& program, int argc, char** argv);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_DAEMON_H_
