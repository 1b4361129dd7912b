#include "signer/config.h"

#include <p11-kit/uri.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/yaml_reader.h"
#include "signer/identity_settings.h"

namespace keyward::signer {
namespace {

constexpr int kMaxSessions = 256;
constexpr int kMaxValidityDays = 3650;
constexpr int kMaxQueue = 100000;
constexpr int kMaxLifetimeSeconds = 300;
constexpr int kMaxSkewSeconds = 300;
constexpr int kMaxAuditMib = 10000;
constexpr int kMaxAuditHours = 8760;
// What a verifier accepts without a checkpoint, signer/audit/.
constexpr int kMaxCheckpointRecords = 10000;
constexpr int kMaxCheckpointSeconds = 3600;

struct UriDeleter {
  void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
};
using UriPtr = std::unique_ptr<P11KitUri, UriDeleter>;

// What is wrong with `text` as the URI of a token, or "". The text itself is
// not in the answer: it may hold a PIN.
std::string WrongWithTokenUri(const std::string& text) {
  const UriPtr uri(p11_kit_uri_new());
  const int result = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.get());
  if (result != P11_KIT_URI_OK) {
    return absl::StrCat("must be a PKCS#11 URI (RFC 7512) such as pkcs11:token=keyward: ",
                        p11_kit_uri_message(result));
  }
  if (p11_kit_uri_any_unrecognized(uri.get()) != 0) {
    return "has an attribute that RFC 7512 does not define";
  }
  if (p11_kit_uri_get_pin_value(uri.get()) != nullptr ||
      p11_kit_uri_get_pin_source(uri.get()) != nullptr) {
    return "must not hold pin-value or pin-source: name the PIN's source in token.pin";
  }
  if (p11_kit_uri_get_module_path(uri.get()) != nullptr ||
      p11_kit_uri_get_module_name(uri.get()) != nullptr) {
    return "must not name a module: token.module does";
  }
  CK_ULONG attributes = 0;
  p11_kit_uri_get_attributes(uri.get(), &attributes);
  if (attributes > 0) return "must name a token, not an object on it";
  return "";
}

// POSIX.1-2017 Base Definitions section 8.1.
bool IsVariableName(absl::string_view name) {
  return !absl::ascii_isdigit(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

// Reads the document into a SignerConfig and notes every mistake.
class ConfigReader {
 public:
  explicit ConfigReader(const std::string& file) : reader_(file) { config_.file = file; }

  absl::StatusOr<SignerConfig> Read(const YamlNode& document) {
    const YamlReader root(document, reader_.mistakes());
    if (root.ReadMapping({"user", "listen", "tls", "identity", "token", "registry", "audit",
                          "policy", "certificate", "limits", "monitoring"})) {
      reader_.ReadText(root, "user", config_.user);
      config_.listen = reader_.ReadListen(root);
      config_.tls = reader_.ReadTls(root);
      config_.identity_kinds = ReadIdentityKinds(reader_, root);
      ReadToken(root);
      if (auto registry = reader_.Section(root, "registry", {"sqlite"})) {
        config_.registry_sqlite = reader_.Path(*registry, "sqlite");
      }
      ReadAudit(root);
      config_.policy = reader_.Path(root, "policy");
      ReadNumbers(root);
      config_.monitoring = reader_.ReadMonitoring(root);
    }
    RETURN_IF_ERROR(reader_.mistakes().ToStatus());
    config_.lines = reader_.lines();
    return config_;
  }

 private:
  void ReadToken(const YamlReader& root) {
    const auto token = reader_.Section(
        root, "token",
        {"module", "uri", "pin", "sessions", "allow_imported_keys", "adoptable_labels"});
    if (!token) return;
    config_.token.module = reader_.Path(*token, "module");
    if (const auto uri =
            reader_.Require(*token, "uri", "a PKCS#11 URI such as pkcs11:token=keyward")) {
      config_.token.uri = uri->Text().value_or("");
      const std::string wrong =
          config_.token.uri.empty() ? "" : WrongWithTokenUri(config_.token.uri);
      if (!wrong.empty()) uri->Mistake(wrong);
    }
    ReadPinSource(*token);
    reader_.ReadInteger(*token, "sessions", 1, kMaxSessions, config_.token.sessions);
    config_.token.allow_imported_keys = reader_.ReadFlag(*token, "allow_imported_keys");
    reader_.ReadTexts(*token, "adoptable_labels", config_.token.adoptable_labels);
  }

  void ReadAudit(const YamlReader& root) {
    const auto audit = reader_.Section(root, "audit",
                                       {"file", "rotate_mib", "rotate_hours", "checkpoint_records",
                                        "checkpoint_seconds", "forward", "accept_loss"});
    if (!audit) return;
    AuditConfig& config = config_.audit;
    config.file = reader_.Path(*audit, "file");
    reader_.ReadInteger(*audit, "rotate_mib", 1, kMaxAuditMib, config.rotate_mib);
    int hours = static_cast<int>(absl::ToInt64Hours(config.rotate_age));
    reader_.ReadInteger(*audit, "rotate_hours", 1, kMaxAuditHours, hours);
    config.rotate_age = absl::Hours(hours);
    reader_.ReadInteger(*audit, "checkpoint_records", 1, kMaxCheckpointRecords,
                        config.checkpoint_records);
    reader_.ReadSeconds(*audit, "checkpoint_seconds", 1, kMaxCheckpointSeconds,
                        config.checkpoint_interval);
    config.forward = ReadForward(reader_, *audit);
    if (const auto accept_loss = reader_.Note(audit->Find("accept_loss"))) {
      config.accept_loss = static_cast<uint64_t>(
          accept_loss->Integer(1, std::numeric_limits<int64_t>::max()).value_or(0));
    }
  }

  void ReadPinSource(const YamlReader& token) {
    const auto pin =
        reader_.Require(token, "pin", "exactly one of file, environment and credential");
    // By mistake the text here may be the PIN itself, so none of it is shown.
    if (!pin || !pin->ReadSecretMapping({"file", "environment", "credential"})) return;
    const auto file = reader_.Note(pin->Find("file"));
    const auto environment = reader_.Note(pin->Find("environment"));
    const auto credential = reader_.Note(pin->Find("credential"));
    if (int{file.has_value()} + int{environment.has_value()} + int{credential.has_value()} != 1) {
      pin->Mistake("must have exactly one of file, environment and credential");
      return;
    }
    PinSource& source = config_.token.pin;
    if (file) {
      source = {.kind = PinSource::Kind::kFile, .name = reader_.Path(*pin, "file")};
    } else if (environment) {
      source = {.kind = PinSource::Kind::kEnvironment, .name = environment->Text().value_or("")};
      if (!source.name.empty() && !IsVariableName(source.name)) {
        environment->Mistake("must be the name of a variable: letters, digits and '_'");
      }
    } else {
      source = {.kind = PinSource::Kind::kCredential, .name = credential->Text().value_or("")};
      if (absl::StrContains(source.name, '/') || source.name == "." || source.name == "..") {
        credential->Mistake("must be the name of a credential, without a slash");
      }
    }
  }

  void ReadNumbers(const YamlReader& root) {
    if (const auto certificate = root.Find("certificate");
        certificate && certificate->ReadMapping({"validity_days"})) {
      reader_.ReadInteger(*certificate, "validity_days", 1, kMaxValidityDays,
                          config_.certificate_validity_days);
    }
    if (const auto limits = root.Find("limits");
        limits && limits->ReadMapping({"queue", "connections", "connections_per_address",
                                       "max_assertion_lifetime_seconds", "clock_skew_seconds"})) {
      reader_.ReadInteger(*limits, "queue", 1, kMaxQueue, config_.queue);
      reader_.ReadConnectionLimits(*limits, config_.connections);
      reader_.ReadSeconds(*limits, "max_assertion_lifetime_seconds", 1, kMaxLifetimeSeconds,
                          config_.max_assertion_lifetime);
      reader_.ReadSeconds(*limits, "clock_skew_seconds", 0, kMaxSkewSeconds, config_.clock_skew);
    }
  }

  server::SettingsReader reader_;
  SignerConfig config_;
};

}  // namespace

absl::StatusOr<SignerConfig> ParseConfig(absl::string_view yaml, const std::string& file) {
  ASSIGN_OR_RETURN(const YamlNode document, ParseYaml(yaml, file));
  return ConfigReader(file).Read(document);
}

absl::StatusOr<SignerConfig> LoadConfig(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string yaml, ReadFile(file));
  return ParseConfig(yaml, file);
}

}  // namespace keyward::signer
