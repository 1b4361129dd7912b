// Where the signer is and who we are: settings from flags, the environment and
// a file.
#ifndef KEYWARD_CLIENT_SETTINGS_H_
#define KEYWARD_CLIENT_SETTINGS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace keyward::client {

// Empty means not set.
struct Settings {
  // host:port of keyward-signer.
  std::string signer;
  // PEM file: the CA of the signer's server certificate.
  std::string ca;
  // PEM file: our client certificate, followed by intermediate ones.
  std::string certificate;
  // PEM file: the private key of `certificate`.
  std::string private_key;
  // PEM file: the CAs of the login hosts, in place of the system's. Optional.
  std::string https_ca;
};

// The value of a variable, or nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// The environment of this process. Like getenv(3), not to be called while
// another thread changes the environment.
std::optional<std::string> ProcessEnvironment(const std::string& name);

// Each setting is the first of: `flags`, the environment (KEYWARD_SIGNER,
// KEYWARD_CA, KEYWARD_CERTIFICATE, KEYWARD_PRIVATE_KEY, KEYWARD_HTTPS_CA), the
// YAML file. The file is `config_file`, else the one that KEYWARD_CONFIG names,
// else ~/.config/keyward/config.yaml if it is there. Its keys are the names of
// the fields above; relative paths in it are relative to the file's own folder,
// elsewhere to the working directory. An empty variable counts as not set.
//
// Errors:
//   INVALID_ARGUMENT SETTINGS_INVALID  the file is not a map of these keys to
//     strings; every mistake is named at once
//   FAILED_PRECONDITION SETTINGS_MISSING  a setting other than https_ca is not
//     set anywhere; all of them are named
//   the system's error where a file that was asked for cannot be read
absl::StatusOr<Settings> LoadSettings(const Settings& flags, const std::string& config_file = "",
                                      const EnvironmentLookup& environment = ProcessEnvironment);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_SETTINGS_H_
