#include "client/exchange/config.h"

#include <sys/stat.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/file_modes.h"
#include "common/secret_file.h"
#include "common/status_macros.h"
#include "signer/authorization_policy.h"
#include "signer/caller_identity.h"
#include "signer/identity_settings.h"

namespace keyward::exchange {
namespace {

constexpr int kMaxSeconds = 24 * 3600;
constexpr int kMaxEntries = 1'000'000;
constexpr int kMaxWaiting = 100'000;
constexpr int kMaxLoginsAtOnce = 256;
constexpr unsigned kWorldBits = S_IRWXO;

// Reads the document into an ExchangeConfig and notes every mistake.
class ConfigReader {
 public:
  explicit ConfigReader(const std::string& file) : reader_(file) { config_.file = file; }

  absl::StatusOr<ExchangeConfig> Read(const YamlNode& document) {
    const YamlReader root(document, reader_.mistakes());
    if (root.ReadMapping({"user", "listen", "tls", "identity", "unix_socket", "policy", "signer",
                          "https", "tokens", "logins", "limits", "monitoring"})) {
      reader_.ReadText(root, "user", config_.user);
      ReadListeners(root);
      config_.identity_kinds = signer::ReadIdentityKinds(reader_, root);
      config_.policy = reader_.Path(root, "policy");
      ReadSigner(root);
      ReadHttps(root);
      ReadTokens(root);
      ReadLogins(root);
      if (const auto limits =
              reader_.OptionalSection(root, "limits", {"connections", "connections_per_address"})) {
        reader_.ReadConnectionLimits(*limits, config_.connections);
      }
      config_.monitoring = reader_.ReadMonitoring(root);
    }
    RETURN_IF_ERROR(reader_.mistakes().ToStatus());
    config_.lines = reader_.lines();
    return config_;
  }

 private:
  void ReadListeners(const YamlReader& root) {
    const bool has_socket = root.Find("unix_socket").has_value();
    if (!has_socket || root.Find("listen")) {
      config_.listen = reader_.ReadListen(root);
      config_.tls = reader_.ReadTls(root);
    } else if (const auto tls = root.Find("tls")) {
      tls->Mistake("is for `listen`, which is not there; a Unix socket has no TLS");
    }
    if (has_socket) ReadSocket(root);
  }

  void ReadSocket(const YamlReader& root) {
    const auto socket = reader_.Section(root, "unix_socket", {"path", "identity", "mode"});
    if (!socket) return;
    SocketConfig& config = config_.unix_socket;
    config.socket.path = reader_.Path(*socket, "path");
    if (const std::string wrong = server::WrongWithUnixSocket(config.socket.path);
        !config.socket.path.empty() && !wrong.empty()) {
      socket->Find("path")->Mistake(wrong);
    }
    if (const auto identity =
            reader_.Require(*socket, "identity", "who calls through it, as in the policy")) {
      config.identity = identity->Text().value_or("");
      const absl::Status status = signer::CheckIdentity(config.identity);
      if (!config.identity.empty() && !status.ok()) {
        identity->Mistake(std::string(status.message()));
      }
    }
    std::string mode;
    reader_.ReadText(*socket, "mode", mode);
    if (mode.empty()) return;
    const auto place = socket->Find("mode");
    if (mode.size() != 4 || mode.find_first_not_of("01234567") != std::string::npos) {
      place->Mistake("must be four octal digits in quotes, such as \"0660\"");
      return;
    }
    config.socket.mode = static_cast<mode_t>(std::stoul(mode, nullptr, 8));
    if ((config.socket.mode & kWorldBits) != 0) {
      place->Mistake(
          "must give others no access: every process of the machine would be this "
          "identity");
    }
  }

  void ReadSigner(const YamlReader& root) {
    const auto signer =
        reader_.Section(root, "signer", {"addresses", "ca", "certificate", "private_key"});
    if (!signer) return;
    client::SignerClientOptions& options = config_.signer;
    options.watch_health = true;
    if (const auto addresses =
            reader_.Require(*signer, "addresses", "a list of HOST:PORT of keyward-signer")) {
      reader_.ReadTexts(*signer, "addresses", options.signers);
      if (options.signers.empty()) addresses->Mistake("must name at least one signer");
    }
    options.ca_file = reader_.Path(*signer, "ca");
    options.certificate_file = reader_.Path(*signer, "certificate");
    options.private_key_file = reader_.Path(*signer, "private_key");
  }

  void ReadHttps(const YamlReader& root) {
    // Not the environment's: what a service does should stand in its settings.
    config_.https.proxy = "";
    const auto https = reader_.OptionalSection(root, "https",
                                               {"ca", "proxy", "login_hosts", "private_login_hosts",
                                                "connect_timeout_seconds", "timeout_seconds"});
    if (!https) return;
    config_.https.ca_file = reader_.OptionalPath(*https, "ca");
    reader_.ReadText(*https, "proxy", *config_.https.proxy);
    reader_.ReadTexts(*https, "login_hosts", config_.login_hosts.allowed);
    reader_.ReadTexts(*https, "private_login_hosts", config_.login_hosts.private_hosts);
    reader_.ReadSeconds(*https, "connect_timeout_seconds", 1, 60, config_.https.connect_timeout);
    reader_.ReadSeconds(*https, "timeout_seconds", 1, 300, config_.https.total_timeout);
  }

  void ReadTokens(const YamlReader& root) {
    const auto tokens = reader_.OptionalSection(
        root, "tokens", {"entries", "lifetime_seconds", "remember_refusals_seconds", "waiting"});
    if (!tokens) return;
    client::AccessTokensOptions& options = config_.tokens;
    ReadSize(*tokens, "entries", kMaxEntries, options.max_entries);
    reader_.ReadSeconds(*tokens, "lifetime_seconds", 60, kMaxSeconds, options.token_lifetime);
    reader_.ReadSeconds(*tokens, "remember_refusals_seconds", 1, 3600, options.refusal_memory);
    ReadSize(*tokens, "waiting", kMaxWaiting, options.max_waiting);
  }

  void ReadLogins(const YamlReader& root) {
    const auto logins = reader_.OptionalSection(root, "logins", {"at_once", "per_hour", "burst"});
    if (!logins) return;
    client::LoginBudgetOptions& budget = config_.budget;
    reader_.ReadInteger(*logins, "at_once", 1, kMaxLoginsAtOnce, config_.logins_at_once);
    reader_.ReadInteger(*logins, "per_hour", 1, client::kMaxLoginsPerHour, budget.per_hour);
    reader_.ReadInteger(*logins, "burst", 1, client::kMaxLoginsPerHour, budget.burst);
    if (budget.per_hour + budget.burst > client::kMaxLoginsPerHour) {
      logins->Mistake(absl::StrCat("per_hour and burst must be ", client::kMaxLoginsPerHour,
                                   " together at most: Salesforce allows 3,600 an hour"));
    }
  }

  void ReadSize(const YamlReader& parent, absl::string_view key, int max, size_t& value) {
    int number = static_cast<int>(value);
    reader_.ReadInteger(parent, key, 1, max, number);
    value = static_cast<size_t>(number);
  }

  server::SettingsReader reader_;
  ExchangeConfig config_;
};

}  // namespace

absl::StatusOr<ExchangeConfig> ParseConfig(absl::string_view yaml, const std::string& file) {
  ASSIGN_OR_RETURN(const YamlNode document, ParseYaml(yaml, file));
  return ConfigReader(file).Read(document);
}

absl::StatusOr<ExchangeConfig> LoadConfig(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
  return ParseConfig(yaml, file);
}

absl::StatusOr<std::unique_ptr<client::HttpsClient>> NewHttpsClient(const ExchangeConfig& config) {
  client::HttpsClientOptions options = config.https;
  ASSIGN_OR_RETURN(options.hosts, client::LoginHosts::New(config.login_hosts));
  return client::HttpsClient::New(std::move(options));
}

namespace {

// The end of a sentence about the socket's path, empty where a socket may come there.
std::string WrongWithSocketPlace(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path.parent_path(), error)) {
    return "its folder is not there: make it";
  }
  const std::filesystem::file_status there = std::filesystem::symlink_status(path, error);
  if (!std::filesystem::exists(there) || std::filesystem::is_socket(there)) return "";
  return "is there and is no socket: move it away, or choose another path";
}

}  // namespace

absl::Status CheckFiles(const ExchangeConfig& config) {
  YamlMistakes mistakes(config.file);
  const auto note = [&](absl::string_view setting, absl::string_view what) {
    server::AddSettingMistake(config.lines, setting, what, mistakes);
  };
  if (!config.listen.empty()) {
    for (const server::TlsMistake& mistake : server::CheckTlsFiles(config.tls)) {
      note(mistake.setting, absl::StrCat(mistake.file, ": ", mistake.what));
    }
  }
  const std::string& socket = config.unix_socket.socket.path;
  if (const std::string wrong = WrongWithSocketPlace(socket); !socket.empty() && !wrong.empty()) {
    note("unix_socket.path", absl::StrCat(socket, ": ", wrong));
  }
  if (const auto signer = client::SignerClient::New(config.signer); !signer.ok()) {
    note("signer", signer.status().message());
  }
  if (const auto https = NewHttpsClient(config); !https.ok()) {
    note("https", https.status().message());
  }
  if (const absl::Status status = CheckOnlyOwnerWrites(config.file); !status.ok()) {
    mistakes.Add(1, "", status.message());
  }
  // A user and a password stand before '@', which has no other place in a proxy's URL.
  if (absl::StrContains(config.https.proxy.value_or(""), '@')) {
    const absl::Status closed = CheckFileMode(config.file, kWorldBits);
    if (absl::IsFailedPrecondition(closed)) {
      note("https.proxy",
           "has a password, and everybody on this machine may read this file: "
           "chmod 640 it, in a group that only keyward-exchange is in");
    } else if (!closed.ok()) {
      note("https.proxy", absl::StrCat("has a password, and this file ", closed.message()));
    }
  }
  absl::Status policy = CheckReadable(config.policy);
  if (policy.ok()) policy = CheckOnlyOwnerWrites(config.policy);
  if (!policy.ok()) {
    note("policy", absl::StrCat(config.policy, ": ", policy.message()));
  }
  return signer::WithPolicyMistakes(mistakes.ToStatus(), config.policy);
}

}  // namespace keyward::exchange
