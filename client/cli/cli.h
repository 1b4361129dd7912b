// What the verbs of the command share.
#ifndef KEYWARD_CLIENT_CLI_CLI_H_
#define KEYWARD_CLIENT_CLI_CLI_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/exchange_client.h"
#include "client/https/https_client.h"
#include "client/settings.h"
#include "client/signer_client.h"

namespace CLI {
class App;
}

namespace keyward::client {

// Filled by the command line, then used by the verb that it names.
struct Cli {
  // As given by flags; empty where they are not.
  Settings flags;
  std::string config_file;
  // "table" or "json".
  std::string output = "table";
  // Runs the verb.
  std::function<absl::Status()> action;

  bool json() const { return output == "json"; }
};

// Adds a noun ("connection") that stands before verbs, with an example for its help.
CLI::App& AddNoun(CLI::App& app, const std::string& name, const std::string& description,
                  const std::string& example);

// Adds a verb with an example for its help and the options that every verb has.
CLI::App& AddVerb(CLI::App& parent, Cli& cli, const std::string& name,
                  const std::string& description, const std::string& example,
                  std::function<absl::Status()> action);

// --output and the settings' flags.
void AddCommonOptions(CLI::App& app, Cli& cli);

// NAME and --version, which may be left out where the ACTIVE version is meant.
void AddKeyVersion(CLI::App& verb, std::string& name, std::optional<uint32_t>& version);

// The command line asks for something that makes no sense: exit code 2.
absl::Status UsageError(absl::string_view message);
bool IsUsageError(const absl::Status& status);

// The answer, which has been written, is no: exit code 1 without another word.
absl::Status SaidNo();
bool IsSaidNo(const absl::Status& status);

// A usage error where `der` is to be written to no file beside JSON on stdout.
absl::Status CheckBytesGoToFile(const Cli& cli, bool der, const std::string& out);

// What the settings say of the signers.
absl::StatusOr<SignerClientOptions> SignerOptions(const Cli& cli);

// A client of the signers that the settings name.
absl::StatusOr<std::unique_ptr<SignerClient>> ConnectToSigner(const Cli& cli);

// The settings of a verb that gets access tokens: from keyward-exchange, where
// `exchange` is set, else with the signer. A usage error for flags about login hosts
// beside `exchange`: keyward-exchange would not see them.
absl::StatusOr<Settings> LoadTokenSettings(const Cli& cli);

// A client for login hosts, with the settings' hosts, proxy and CAs.
absl::StatusOr<std::shared_ptr<HttpsClient>> NewHttpsClient(const Cli& cli);

// A client of the keyward-exchange that the settings name; `exchange` must be set.
absl::StatusOr<std::unique_ptr<ExchangeClient>> ConnectToExchange(const Cli& cli);

// One function for each noun, and each verb without one.
void AddConnectionCommands(CLI::App& app, Cli& cli);
// Further verbs of the noun "connection".
void AddConnectionFreezeVerbs(CLI::App& connection, Cli& cli);
void AddApprovalCommands(CLI::App& app, Cli& cli);
void AddCertificateCommands(CLI::App& app, Cli& cli);
void AddKeyCommands(CLI::App& app, Cli& cli);
// Further verbs of the noun "key".
void AddKeyCertificateVerbs(CLI::App& key, Cli& cli);
void AddKeyTokenVerbs(CLI::App& key, Cli& cli);
void AddAuditCommands(CLI::App& app, Cli& cli);
// Further verbs of the noun "audit".
void AddAuditRecordVerbs(CLI::App& audit, Cli& cli);
void AddPolicyCommands(CLI::App& app, Cli& cli);
void AddSignCommand(CLI::App& app, Cli& cli);
void AddTokenCommand(CLI::App& app, Cli& cli);
void AddTestCommand(CLI::App& app, Cli& cli);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLI_CLI_H_
