#include "signer/config.h"

#include <p11-kit/uri.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/loopback.h"
#include "common/server/listen_address.h"
#include "common/status_macros.h"
#include "common/yaml_reader.h"

namespace keyward::signer {
namespace {

constexpr int kMaxSessions = 256;
constexpr int kMaxValidityDays = 3650;
constexpr int kMaxQueue = 100000;
constexpr int kMaxLifetimeSeconds = 300;

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
  explicit ConfigReader(const std::string& file)
      : mistakes_(file), folder_(std::filesystem::path(file).parent_path()) {
    config_.file = file;
  }

  absl::StatusOr<SignerConfig> Read(const YamlNode& document) {
    const YamlReader root(document, mistakes_);
    if (root.ReadMapping({"listen", "tls", "token", "registry", "audit", "policy", "certificate",
                          "limits", "monitoring"})) {
      config_.listen = ReadListen(root);
      ReadTls(root);
      ReadToken(root);
      if (auto registry = Section(root, "registry", {"sqlite"})) {
        config_.registry_sqlite = Path(*registry, "sqlite");
      }
      if (auto audit = Section(root, "audit", {"file"})) config_.audit_file = Path(*audit, "file");
      config_.policy = Path(root, "policy");
      ReadNumbers(root);
      ReadMonitoring(root);
    }
    RETURN_IF_ERROR(mistakes_.ToStatus());
    return config_;
  }

 private:
  std::optional<YamlReader> Note(std::optional<YamlReader> found) {
    if (found) config_.lines[found->path()] = found->line();
    return found;
  }

  std::optional<YamlReader> Require(const YamlReader& parent, absl::string_view key,
                                    absl::string_view what) {
    return Note(parent.Require(key, what));
  }

  // A mapping that must be there.
  std::optional<YamlReader> Section(const YamlReader& parent, absl::string_view key,
                                    std::initializer_list<absl::string_view> keys) {
    std::optional<YamlReader> section = Require(parent, key, "a section of settings");
    if (section && !section->ReadMapping(keys)) return std::nullopt;
    return section;
  }

  std::string Path(const YamlReader& parent, absl::string_view key) {
    const std::optional<YamlReader> found = Require(parent, key, "the path of a file");
    const std::optional<std::string> text = found ? found->Text() : std::nullopt;
    // An absolute path replaces the folder.
    return text ? (folder_ / *text).lexically_normal().string() : "";
  }

  void ReadInteger(const YamlReader& parent, absl::string_view key, int max, int& value) {
    if (const std::optional<YamlReader> found = Note(parent.Find(key))) {
      value = static_cast<int>(found->Integer(1, max).value_or(value));
    }
  }

  // "" where it is absent or wrong.
  std::string ReadListen(const YamlReader& parent) {
    const std::optional<YamlReader> listen = Require(parent, "listen", "HOST:PORT");
    const std::optional<std::string> text = listen ? listen->Text() : std::nullopt;
    if (!text) return "";
    const std::string wrong = server::WrongWithListen(*text);
    if (wrong.empty()) return *text;
    listen->Mistake(wrong);
    return "";
  }

  void ReadMonitoring(const YamlReader& root) {
    const auto monitoring = root.Find("monitoring");
    if (!monitoring || !monitoring->ReadMapping({"listen", "allow_remote"})) return;
    const std::string listen = ReadListen(*monitoring);
    const auto allow = Note(monitoring->Find("allow_remote"));
    const bool allow_remote = allow && allow->Boolean().value_or(false);
    if (!listen.empty() && !allow_remote && !IsLoopbackHost(HostOf(listen))) {
      monitoring->Find("listen")->Mistake(
          "must be a loopback address such as 127.0.0.1:9464, for nobody is authenticated there; "
          "others only with allow_remote: true");
    }
    config_.monitoring.listen = listen;
  }

  void ReadTls(const YamlReader& root) {
    const auto tls = Section(root, "tls", {"certificate", "private_key", "client_ca"});
    if (!tls) return;
    config_.tls.certificate = Path(*tls, "certificate");
    config_.tls.private_key = Path(*tls, "private_key");
    config_.tls.client_ca = Path(*tls, "client_ca");
  }

  void ReadToken(const YamlReader& root) {
    const auto token =
        Section(root, "token",
                {"module", "uri", "pin", "sessions", "allow_imported_keys", "adoptable_labels"});
    if (!token) return;
    config_.token.module = Path(*token, "module");
    if (const auto uri = Require(*token, "uri", "a PKCS#11 URI such as pkcs11:token=keyward")) {
      config_.token.uri = uri->Text().value_or("");
      const std::string wrong =
          config_.token.uri.empty() ? "" : WrongWithTokenUri(config_.token.uri);
      if (!wrong.empty()) uri->Mistake(wrong);
    }
    ReadPinSource(*token);
    ReadInteger(*token, "sessions", kMaxSessions, config_.token.sessions);
    if (const auto allow = Note(token->Find("allow_imported_keys"))) {
      config_.token.allow_imported_keys = allow->Boolean().value_or(false);
    }
    if (const auto labels = Note(token->Find("adoptable_labels"))) {
      config_.token.adoptable_labels.clear();
      for (const YamlReader& label : labels->Items()) {
        config_.token.adoptable_labels.push_back(label.Text().value_or(""));
      }
    }
  }

  void ReadPinSource(const YamlReader& token) {
    const auto pin = Require(token, "pin", "exactly one of file, environment and credential");
    // By mistake the text here may be the PIN itself, so none of it is shown.
    if (!pin || !pin->ReadMapping({"file", "environment", "credential"})) return;
    const auto file = Note(pin->Find("file"));
    const auto environment = Note(pin->Find("environment"));
    const auto credential = Note(pin->Find("credential"));
    if (int{file.has_value()} + int{environment.has_value()} + int{credential.has_value()} != 1) {
      pin->Mistake("must have exactly one of file, environment and credential");
      return;
    }
    PinSource& source = config_.token.pin;
    if (file) {
      source = {.kind = PinSource::Kind::kFile, .name = Path(*pin, "file")};
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
      ReadInteger(*certificate, "validity_days", kMaxValidityDays,
                  config_.certificate_validity_days);
    }
    if (const auto limits = root.Find("limits");
        limits && limits->ReadMapping({"queue", "max_assertion_lifetime_seconds"})) {
      ReadInteger(*limits, "queue", kMaxQueue, config_.queue);
      int seconds = kMaxLifetimeSeconds;
      ReadInteger(*limits, "max_assertion_lifetime_seconds", kMaxLifetimeSeconds, seconds);
      config_.max_assertion_lifetime = absl::Seconds(seconds);
    }
  }

  YamlMistakes mistakes_;
  std::filesystem::path folder_;
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
