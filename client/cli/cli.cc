#include "client/cli/cli.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

constexpr char kUsageReason[] = "USAGE";
constexpr char kNoReason[] = "SAID_NO";
// As the setting https_proxy says it.
constexpr char kNoProxy[] = "none";

// What the file and the environment say is for other calls, too: that may stay.
absl::Status CheckNoLoginFlags(const Settings& flags) {
  const std::pair<const char*, const std::string&> login_flags[] = {
      {"--https-ca", flags.https_ca},
      {"--https-proxy", flags.https_proxy},
      {"--login-hosts", flags.login_hosts},
      {"--private-login-hosts", flags.private_login_hosts}};
  for (const auto& [flag, value] : login_flags) {
    if (value.empty()) continue;
    return UsageError(absl::StrCat(
        flag, " has no effect with --exchange: keyward-exchange has settings of its own"));
  }
  return absl::OkStatus();
}

}  // namespace

CLI::App& AddNoun(CLI::App& app, const std::string& name, const std::string& description,
                  const std::string& example) {
  CLI::App* noun = app.add_subcommand(name, description)->require_subcommand(0, 1);
  // Of its own: a noun would show the whole command's example.
  noun->footer(absl::StrCat("Example:\n  ", example, "\n'keyward ", name,
                            " VERB --help' has one for each."));
  return *noun;
}

CLI::App& AddVerb(CLI::App& parent, Cli& cli, const std::string& name,
                  const std::string& description, const std::string& example,
                  std::function<absl::Status()> action) {
  CLI::App* verb = parent.add_subcommand(name, description);
  verb->footer("Example:\n  " + example);
  verb->callback([&cli, action = std::move(action)] { cli.action = action; });
  AddCommonOptions(*verb, cli);
  return *verb;
}

void AddCommonOptions(CLI::App& app, Cli& cli) {
  app.add_option("-o,--output", cli.output, "table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->group("Output");
  const char* group = "Settings (also KEYWARD_SIGNER and so on, or the settings file)";
  app.add_option("--config", cli.config_file,
                 "settings file (KEYWARD_CONFIG, else ~/.config/keyward/config.yaml)")
      ->group(group);
  app.add_option("--signer", cli.flags.signer,
                 "host:port of keyward-signer, several with commas between")
      ->group(group);
  app.add_option("--ca", cli.flags.ca, "PEM file: CA of the signer's certificate")->group(group);
  app.add_option("--certificate", cli.flags.certificate, "PEM file: our client certificate")
      ->group(group);
  app.add_option("--private-key", cli.flags.private_key, "PEM file: its private key")->group(group);
  app.add_option("--https-ca", cli.flags.https_ca,
                 "PEM file: CAs of the login hosts in place of the system's")
      ->group(group);
  app.add_option("--exchange", cli.flags.exchange,
                 "host:port or unix:/PATH of keyward-exchange, for access tokens")
      ->group(group);
  app.add_option("--login-hosts", cli.flags.login_hosts,
                 "hosts that assertions may go to, in place of Salesforce's own")
      ->group(group);
  app.add_option("--private-login-hosts", cli.flags.private_login_hosts,
                 "further ones, which may be on this machine: a stand-in")
      ->group(group);
  app.add_option("--https-proxy", cli.flags.https_proxy,
                 "URL of the proxy to the login hosts, or none (else the usual variables)")
      ->group(group);
}

void AddKeyVersion(CLI::App& verb, std::string& name, std::optional<uint32_t>& version) {
  verb.add_option("NAME", name, "the connection's name")->required();
  verb.add_option("--version", version, "key version; without it the ACTIVE one")
      ->check(CLI::Range(1U, std::numeric_limits<uint32_t>::max()));
}

absl::Status UsageError(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, kUsageReason, message);
}

bool IsUsageError(const absl::Status& status) { return ReasonOf(status) == kUsageReason; }

absl::Status SaidNo() { return Error(absl::StatusCode::kFailedPrecondition, kNoReason, "no"); }

bool IsSaidNo(const absl::Status& status) { return ReasonOf(status) == kNoReason; }

absl::Status CheckBytesGoToFile(const Cli& cli, bool der, const std::string& out) {
  if (!cli.json() || !der || !out.empty()) return absl::OkStatus();
  return UsageError("--der with --output json needs --out: JSON holds no bytes");
}

absl::StatusOr<SignerClientOptions> SignerOptions(const Cli& cli) {
  ASSIGN_OR_RETURN(const Settings settings, LoadSettings(cli.flags, cli.config_file));
  SignerClientOptions options;
  options.signers = SettingList(settings.signer);
  options.ca_file = settings.ca;
  options.certificate_file = settings.certificate;
  options.private_key_file = settings.private_key;
  return options;
}

absl::StatusOr<std::unique_ptr<SignerClient>> ConnectToSigner(const Cli& cli) {
  ASSIGN_OR_RETURN(const SignerClientOptions options, SignerOptions(cli));
  return SignerClient::New(options);
}

absl::StatusOr<Settings> LoadTokenSettings(const Cli& cli) {
  ASSIGN_OR_RETURN(Settings settings, LoadSettings(cli.flags, cli.config_file, ProcessEnvironment,
                                                   SettingsUse::kToken));
  if (!settings.exchange.empty()) RETURN_IF_ERROR(CheckNoLoginFlags(cli.flags));
  return settings;
}

absl::StatusOr<std::shared_ptr<HttpsClient>> NewHttpsClient(const Cli& cli) {
  ASSIGN_OR_RETURN(const Settings settings, LoadTokenSettings(cli));
  LoginHostsOptions hosts;
  if (!settings.login_hosts.empty()) hosts.allowed = SettingList(settings.login_hosts);
  hosts.private_hosts = SettingList(settings.private_login_hosts);
  HttpsClientOptions options;
  ASSIGN_OR_RETURN(options.hosts, LoginHosts::New(hosts));
  options.ca_file = settings.https_ca;
  if (!settings.https_proxy.empty()) {
    options.proxy = settings.https_proxy == kNoProxy ? "" : settings.https_proxy;
  }
  return HttpsClient::New(std::move(options));
}

absl::StatusOr<std::unique_ptr<ExchangeClient>> ConnectToExchange(const Cli& cli) {
  ASSIGN_OR_RETURN(const Settings settings, LoadTokenSettings(cli));
  ExchangeClientOptions options;
  options.exchange = settings.exchange;
  options.ca_file = settings.ca;
  options.certificate_file = settings.certificate;
  options.private_key_file = settings.private_key;
  return ExchangeClient::New(options);
}

}  // namespace keyward::client
