// keyward-signer: signs Salesforce assertions with keys on a PKCS#11 token.
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/server/process.h"
#include "signer/authorization_policy.h"
#include "signer/config.h"
#include "signer/server.h"

namespace keyward::signer {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int Fail(const absl::Status& status) {
  fprintf(stderr, "keyward-signer: %s\n", std::string(status.message()).c_str());
  return kFailed;
}

// Every mistake in the files that the settings name.
absl::Status CheckSettings(const SignerConfig& config) {
  absl::Status files = CheckFiles(config);
  absl::Status policy = LoadPolicy(config.policy).status();
  // One that cannot be read is among the mistakes of the files already.
  if (!absl::IsInvalidArgument(policy)) {
    return files;
  }
  if (files.ok()) return policy;
  return absl::InvalidArgumentError(absl::StrCat(files.message(), "\n", policy.message()));
}

int Serve(const SignerConfig& config) {
  // Debian's abseil is built with the deadlock detector on, which every lock on the
  // signing path would pay for.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const sigset_t signals = server::BlockStopSignals();
  absl::StatusOr<std::unique_ptr<Server>> server = Server::New(config);
  if (!server.ok()) return Fail(server.status());
  fprintf(stderr, "keyward-signer: serving on %s\n", (*server)->address().c_str());
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("draining after signal {}", signal);
  (*server)->Drain();
  // In order: log, sessions, module. A module whose exit handlers run before
  // C_Finalize may crash the process.
  server->reset();
  spdlog::info("stopped");
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Signs Salesforce JWT-bearer assertions with keys on a PKCS#11 token.\n"
      "Example: keyward-signer --config /etc/keyward/signer.yaml");
  std::string config_file;
  bool check_only = false;
  app.name("keyward-signer");
  app.add_option("--config", config_file, "The settings, docs/configuration.md")
      ->required()
      ->type_name("FILE");
  app.add_flag("--check-config", check_only,
               "Check the settings and the files that they name, and exit: 0 if all is well");
  app.set_version_flag("--version", KEYWARD_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("keyward-signer"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");

  server::PrepareProcess();
  const absl::StatusOr<SignerConfig> config = LoadConfig(config_file);
  if (!config.ok()) return Fail(config.status());
  if (const absl::Status checked = CheckSettings(*config); !checked.ok()) return Fail(checked);
  if (check_only) {
    printf("%s: no mistakes found\n", config_file.c_str());
    return 0;
  }
  return Serve(*config);
}

}  // namespace
}  // namespace keyward::signer

int main(int argc, char** argv) { return keyward::signer::Main(argc, argv); }
