// The `keyward` command.
#include <google/protobuf/stubs/logging.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "common/error.h"

namespace keyward::client {
namespace {

// What scripts can test.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

void PrepareProcess() {
  // Tokens and assertions pass through this process: no core dump holds them.
  const rlimit none{0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  // A reader that left is an error of write(2), reported like any other.
  (void)std::signal(SIGPIPE, SIG_IGN);
  // Errors are told once, in our words; GRPC_VERBOSITY=debug still shows more.
  (void)setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  google::protobuf::SetLogHandler(nullptr);
}

int Report(const absl::Status& status) {
  if (status.ok()) return kDone;
  if (IsSaidNo(status)) return kFailed;
  std::cerr << "keyward: " << Plain(status.message());
  if (IsUsageError(status)) {
    std::cerr << "\nRun with --help for more information.\n";
    return kWrongUsage;
  }
  if (const auto reason = ReasonOf(status)) std::cerr << " (" << Plain(*reason) << ")";
  std::cerr << "\n";
  return kFailed;
}

// CLI11's own message prints the words that it does not know in reverse order.
std::string UsageMessage(const CLI::App* app, const CLI::Error& error) {
  std::string what = error.what();
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
    what = absl::StrCat("not understood: ", absl::StrJoin(app->remaining(true), " "));
  }
  return absl::StrCat("keyward: ", what, "; see keyward --help\n");
}

int Main(int argc, char** argv) {
  PrepareProcess();
  Cli cli;
  CLI::App app("Signs Salesforce JWT-bearer assertions with keys that never leave their token.",
               "keyward");
  app.set_version_flag("--version", KEYWARD_VERSION);
  app.require_subcommand(0, 1);
  app.footer("Example:\n  keyward token acme --header\n'keyward VERB --help' has one for each.");
  AddCommonOptions(app, cli);
  AddConnectionCommands(app, cli);
  AddCertificateCommands(app, cli);
  AddKeyCommands(app, cli);
  AddApprovalCommands(app, cli);
  AddAuditCommands(app, cli);
  AddPolicyCommands(app, cli);
  AddSignCommand(app, cli);
  AddTokenCommand(app, cli);
  AddTestCommand(app, cli);
  app.failure_message(UsageMessage);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kDone : kWrongUsage;
  }
  // Not left to require_subcommand(), which would not name a misspelt verb.
  if (!cli.action) return Report(UsageError("a verb is missing, like 'keyward connection list'"));
  return Report(cli.action());
}

}  // namespace
}  // namespace keyward::client

int main(int argc, char** argv) { return keyward::client::Main(argc, argv); }
