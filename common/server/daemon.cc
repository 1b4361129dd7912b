#include "common/server/daemon.h"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "absl/synchronization/mutex.h"
#include "common/server/process.h"

namespace keyward::server {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int Fail(const DaemonProgram& program, const absl::Status& status) {
  fprintf(stderr, "%s: %s\n", program.name.c_str(), std::string(status.message()).c_str());
  return kFailed;
}

int Serve(const DaemonProgram& program) {
  // Debian's abseil is built with the deadlock detector on, which every lock on the way
  // of a call would pay for.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const sigset_t signals = BlockStopSignals();
  absl::StatusOr<std::unique_ptr<RunningDaemon>> daemon = program.start();
  if (!daemon.ok()) return Fail(program, daemon.status());
  fprintf(stderr, "%s: serving on %s\n", program.name.c_str(), (*daemon)->address().c_str());
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("draining after signal {}", signal);
  (*daemon)->Drain();
  // Here and not at the end of main(): what a loaded library registered to run at exit
  // may not find it any more.
  daemon->reset();
  spdlog::info("stopped");
  return 0;
}

}  // namespace

int RunDaemon(const DaemonProgram& program, int argc, char** argv) {
  CLI::App app(program.about + "\nExample: " + program.name + " --config /etc/keyward/" +
               program.name.substr(program.name.rfind('-') + 1) + ".yaml");
  std::string config_file;
  bool check_only = false;
  app.name(program.name);
  app.add_option("--config", config_file, "The settings, docs/configuration.md")
      ->required()
      ->type_name("FILE");
  app.add_flag("--check-config", check_only,
               "Check the settings and the files that they name, and exit: 0 if all is well");
  app.set_version_flag("--version", program.version);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt(program.name));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");

  PrepareProcess();
  if (const absl::Status loaded = program.load(config_file); !loaded.ok()) {
    return Fail(program, loaded);
  }
  if (check_only) {
    printf("%s: no mistakes found\n", config_file.c_str());
    return 0;
  }
  return Serve(program);
}

}  // namespace keyward::server
