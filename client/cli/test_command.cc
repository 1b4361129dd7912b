// keyward test
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/cli/test_report.h"
#include "client/exchange_client.h"
#include "client/https/https_client.h"
#include "client/test_connection/test_connection.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// Enough for every step to run into a time limit of its own.
constexpr absl::Duration kTimeout = absl::Minutes(2);

struct Options {
  std::string name;
  std::string subject;
  std::optional<uint32_t> version;
};

ReportStyle Style() {
  if (isatty(STDOUT_FILENO) == 0) return ReportStyle::kPlain;
  const auto is_set = [](const char* variable) {
    return !ProcessEnvironment(variable).value_or("").empty();
  };
  // https://no-color.org
  return is_set("NO_COLOR") || ProcessEnvironment("TERM") == "dumb" ? ReportStyle::kSymbols
                                                                    : ReportStyle::kColours;
}

absl::StatusOr<v1::TestConnectionResponse> AskExchange(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const auto exchange, ConnectToExchange(cli));
  TestConnectionOptions call;
  call.subject = options.subject;
  call.key_version = options.version;
  return exchange->TestConnection(options.name, call);
}

absl::StatusOr<v1::TestConnectionResponse> TestHere(
    const Cli& cli, const Options& options,
    const std::function<void(const v1::TestStep&)>& on_step) {
  ASSIGN_OR_RETURN(const auto https, NewHttpsClient(cli));
  ASSIGN_OR_RETURN(const auto signer, ConnectToSigner(cli));
  const TestConnectionParts parts{.signer = *signer, .https = *https};
  TestConnectionCall call;
  call.request.set_connection(options.name);
  call.request.set_subject(options.subject);
  if (options.version) call.request.set_key_version(*options.version);
  call.deadline = absl::Now() + kTimeout;
  call.on_step = on_step;
  return TestConnection(parts, call);
}

absl::Status Test(const Cli& cli, const Options& options) {
  ASSIGN_OR_RETURN(const Settings settings, LoadTokenSettings(cli));
  const ReportStyle style = Style();
  absl::Status printed;
  const auto show = [&](const v1::TestStep& step) {
    if (!cli.json() && printed.ok()) printed = Print(StepLine(step, style));
  };
  const bool here = settings.exchange.empty();
  const absl::StatusOr<v1::TestConnectionResponse> report =
      here ? TestHere(cli, options, show) : AskExchange(cli, options);
  if (!report.ok()) return report.status();
  if (!here) {
    for (const v1::TestStep& step : report->steps()) show(step);
  }
  RETURN_IF_ERROR(printed);
  RETURN_IF_ERROR(cli.json() ? PrintJson(ToJson(*report)) : Print(Conclusion(*report, style)));
  if (report->verified()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, report->diagnosis().reason(),
               absl::StrCat(options.name, " does not work: ", report->summary()));
}

}  // namespace

void AddTestCommand(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  CLI::App& test = AddVerb(app, cli, "test", "Test a connection, and say what to change",
                           "keyward test acme", [&cli, options] { return Test(cli, *options); });
  test.add_option("NAME", options->name, "the connection's name")->required();
  test.add_option("--subject", options->subject,
                  "Salesforce user; without it the connection's only one");
  test.add_option("--version,--key-version", options->version,
                  "key version; without it the ACTIVE one")
      ->check(CLI::Range(1U, std::numeric_limits<uint32_t>::max()));
}

}  // namespace keyward::client
