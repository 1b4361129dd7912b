#include "signer/audit/sink_config.h"

#include <openssl/x509.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/pem.h"
#include "common/secret_file.h"
#include "common/server/listen_address.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

constexpr char kOneOf[] = "must have exactly one of syslog, unix_socket and journald";
constexpr char kJournalSocket[] = "/run/systemd/journal/socket";

std::string WrongWithServer(const std::string& address) {
  std::string wrong = server::WrongWithListen(address);
  if (wrong.empty() && absl::EndsWith(address, ":0")) wrong = "must have the port of a server";
  if (wrong.empty() && absl::StartsWith(address, ":")) wrong = "must have the host of a server";
  return wrong;
}

void ReadSyslog(server::SettingsReader& reader, const YamlReader& forward, ForwardConfig& config) {
  config.kind = ForwardConfig::Kind::kSyslogTls;
  reader.ReadText(forward, "syslog", config.address);
  if (const std::string wrong = WrongWithServer(config.address);
      !config.address.empty() && !wrong.empty()) {
    forward.Find("syslog")->Mistake(wrong);
  }
  config.ca = reader.Path(forward, "ca");
  config.certificate = reader.OptionalPath(forward, "certificate");
  config.private_key = reader.OptionalPath(forward, "private_key");
  if (config.certificate.empty() != config.private_key.empty()) {
    forward.Mistake("must have both of certificate and private_key, or none");
  }
}

void ReadSocket(server::SettingsReader& reader, const YamlReader& forward, absl::string_view key,
                ForwardConfig& config) {
  config.kind =
      key == "journald" ? ForwardConfig::Kind::kJournald : ForwardConfig::Kind::kUnixSocket;
  // `journald:` alone is the place where systemd has it.
  config.address = key == "journald" && forward.Find(key)->IsNull()
                       ? kJournalSocket
                       : reader.OptionalPath(forward, key);
  if (const std::string wrong = server::WrongWithUnixSocket(config.address);
      !config.address.empty() && !wrong.empty()) {
    forward.Find(key)->Mistake(wrong);
  }
  for (const absl::string_view only_tls : {"ca", "certificate", "private_key"}) {
    if (const auto found = forward.Find(only_tls)) {
      found->Mistake("is for syslog alone: a Unix socket has no TLS");
    }
  }
}

absl::Status CheckAuthorities(const std::string& file) {
  RETURN_IF_ERROR(CheckReadable(file));
  RETURN_IF_ERROR(CheckFileMode(file, /*forbidden=*/0));
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(file));
  return ParsePemCertificates(pem).status();
}

absl::StatusOr<EvpPkeyPtr> ReadKey(const std::string& file) {
  RETURN_IF_ERROR(CheckFileMode(file, S_IRWXG | S_IRWXO));
  ASSIGN_OR_RETURN(const Secret pem, ReadSecretFile(file));
  return ParsePemPrivateKey(pem.Expose());
}

absl::Status CheckKeyOf(const std::string& certificate_file, const EVP_PKEY& key) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(certificate_file));
  ASSIGN_OR_RETURN(const std::vector<X509Ptr> chain, ParsePemCertificates(pem));
  if (X509_check_private_key(chain.front().get(), &key) == 1) return absl::OkStatus();
  ForgetOpensslErrors();
  return absl::InvalidArgumentError("does not belong to the certificate");
}

}  // namespace

ForwardConfig ReadForward(server::SettingsReader& reader, const YamlReader& audit) {
  ForwardConfig config;
  const auto forward = reader.OptionalSection(
      audit, "forward",
      {"syslog", "unix_socket", "journald", "ca", "certificate", "private_key", "required"});
  if (!forward) return config;
  const std::optional<YamlReader> syslog = reader.Note(forward->Find("syslog"));
  const std::optional<YamlReader> unix_socket = reader.Note(forward->Find("unix_socket"));
  const std::optional<YamlReader> journald = reader.Note(forward->Find("journald"));
  if (int{syslog.has_value()} + int{unix_socket.has_value()} + int{journald.has_value()} != 1) {
    forward->Mistake(kOneOf);
    return config;
  }
  if (syslog) {
    ReadSyslog(reader, *forward, config);
  } else {
    ReadSocket(reader, *forward, journald ? "journald" : "unix_socket", config);
  }
  config.required = reader.ReadFlag(*forward, "required");
  return config;
}

std::vector<ForwardMistake> CheckForwardFiles(const ForwardConfig& config) {
  std::vector<ForwardMistake> mistakes;
  const auto note = [&](absl::string_view setting, absl::string_view file,
                        const absl::Status& status) {
    if (status.ok()) return;
    mistakes.push_back(
        {absl::StrCat("audit.forward.", setting), absl::StrCat(file, ": ", status.message())});
  };
  if (config.kind != ForwardConfig::Kind::kSyslogTls) return mistakes;
  note("ca", config.ca, CheckAuthorities(config.ca));
  if (config.certificate.empty()) return mistakes;
  const absl::Status certificate = CheckAuthorities(config.certificate);
  note("certificate", config.certificate, certificate);
  const absl::StatusOr<EvpPkeyPtr> key = ReadKey(config.private_key);
  absl::Status status = key.status();
  if (key.ok() && certificate.ok()) status = CheckKeyOf(config.certificate, **key);
  note("private_key", config.private_key, status);
  return mistakes;
}

}  // namespace keyward::signer
