// exchange.yaml: the settings of keyward-exchange.
#ifndef KEYWARD_CLIENT_EXCHANGE_CONFIG_H_
#define KEYWARD_CLIENT_EXCHANGE_CONFIG_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/https/https_client.h"
#include "client/signer_client.h"
#include "client/tokens/access_tokens.h"
#include "client/tokens/login_budget.h"
#include "common/server/connection_table.h"
#include "common/server/listen_address.h"
#include "common/server/settings_reader.h"
#include "common/server/tls_files.h"
#include "signer/caller_identity.h"

namespace keyward::exchange {

// A socket on which whoever can open it is `identity`: the file's mode decides.
struct SocketConfig {
  // Empty for none.
  server::UnixSocket socket;
  // As a policy writes it: "spiffe://…", "dns:…" or "cn:…".
  std::string identity;
};

// Paths are absolute, or relative to the working directory where the path of
// exchange.yaml is.
struct ExchangeConfig {
  // Whom a daemon that root starts becomes; empty for nobody else.
  std::string user;
  // "host:port", port 0 for any that is free; empty where there is only a socket.
  std::string listen;
  server::TlsFiles tls;
  // What a caller's certificate may identify it by.
  signer::IdentityKinds identity_kinds;
  SocketConfig unix_socket;
  std::string policy;
  // How the signer is reached, and as whom.
  client::SignerClientOptions signer;
  // How login hosts are reached, and which there are.
  client::HttpsClientOptions https;
  client::LoginHostsOptions login_hosts;
  client::AccessTokensOptions tokens;
  client::LoginBudgetOptions budget;
  // Logins that run at a time.
  int logins_at_once = 32;
  // Of `listen`: 10 to 60000, and 1 to 60000.
  server::ConnectionLimits connections;
  server::MonitoringConfig monitoring;

  // The file it was read from, and the line of each setting in it.
  std::string file;
  server::SettingLines lines;
};

// Reads `yaml`, the contents of the file at the path `file`; looks at no other file.
// Errors: INVALID_ARGUMENT without a reason, whose message has a line for each mistake:
// "exchange.yaml:12: tokens.entries: must be 1..1000000, is 0".
absl::StatusOr<ExchangeConfig> ParseConfig(absl::string_view yaml, const std::string& file);

// ParseConfig() of the file at `file`, or why it cannot be read.
absl::StatusOr<ExchangeConfig> LoadConfig(const std::string& file);

// The client of the login hosts that `config` describes. Errors as HttpsClient::New() and
// LoginHosts::New().
absl::StatusOr<std::unique_ptr<client::HttpsClient>> NewHttpsClient(const ExchangeConfig& config);

// Checks the files that `config` names as a start would, without connecting anywhere.
// Errors as ParseConfig().
absl::Status CheckFiles(const ExchangeConfig& config);

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_CONFIG_H_
