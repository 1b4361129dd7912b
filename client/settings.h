// Where the services are and who we are: settings from flags, the environment and
// a file.
#ifndef KEYWARD_CLIENT_SETTINGS_H_
#define KEYWARD_CLIENT_SETTINGS_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace keyward::client {

// Empty means not set. A list is texts with commas between them (SettingList()).
struct Settings {
  // List: host:port of each keyward-signer.
  std::string signer;
  // PEM file: the CA of the signer's server certificate.
  std::string ca;
  // PEM file: our client certificate, followed by intermediate ones.
  std::string certificate;
  // PEM file: the private key of `certificate`.
  std::string private_key;
  // PEM file: the CAs of the login hosts, in place of the system's. Optional.
  std::string https_ca;
  // host:port of keyward-exchange, or unix:/PATH. Optional.
  std::string exchange;
  // List: where assertions may be sent, in place of Salesforce's own hosts
  // (LoginHostsOptions.allowed). Optional.
  std::string login_hosts;
  // List: hosts that may be private or on this machine, such as a stand-in
  // (LoginHostsOptions.private_hosts). Optional.
  std::string private_login_hosts;
  // URL of the proxy to the login hosts; "none" for none, without it the usual variables
  // (https_proxy, no_proxy). Optional. May hold credentials: not to be shown.
  std::string https_proxy;
};

// What the settings are for.
enum class SettingsUse {
  // Calls to the signer: signer, ca, certificate and private_key must be set.
  kSigner,
  // Access tokens: `exchange` in place of the signer, where it is set. The three files
  // must be set then too, unless it is a Unix socket.
  kToken,
};

// The parts of a list, without the white space around them; empty parts are left out.
std::vector<std::string> SettingList(absl::string_view list);

// The value of a variable, or nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// The environment of this process. Like getenv(3), not to be called while
// another thread changes the environment.
std::optional<std::string> ProcessEnvironment(const std::string& name);

// Each setting is the first of: `flags`, the environment (KEYWARD_SIGNER,
// KEYWARD_CA and so on: the name in capitals), the YAML file. The file is `config_file`, else the
// one that KEYWARD_CONFIG names, else ~/.config/keyward/config.yaml if it is there. Its keys are
// the names of the fields above; lists may be written as YAML lists; relative paths in it are
// relative to the file's own folder, elsewhere to the working directory. An empty variable counts
// as not set.
//
// Errors:
//   INVALID_ARGUMENT SETTINGS_INVALID  the file is not a map of these keys to
//     strings, or lists of strings; every mistake is named at once
//   FAILED_PRECONDITION SETTINGS_MISSING  what `use` needs is not set
//     anywhere; all of it is named
//   the system's error where a file that was asked for cannot be read
absl::StatusOr<Settings> LoadSettings(const Settings& flags, const std::string& config_file = "",
                                      const EnvironmentLookup& environment = ProcessEnvironment,
                                      SettingsUse use = SettingsUse::kSigner);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_SETTINGS_H_
