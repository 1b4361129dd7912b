#include "client/settings.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

constexpr size_t kMaxFileBytes = 64 << 10;

struct Field {
  const char* key;
  const char* variable;
  std::string Settings::*member;
  enum class Kind { kText, kPath, kList } kind;
  // Whether calls to the signer need it.
  bool required;
};

using Kind = Field::Kind;

constexpr Field kFields[] = {
    {"signer", "KEYWARD_SIGNER", &Settings::signer, Kind::kList, true},
    {"ca", "KEYWARD_CA", &Settings::ca, Kind::kPath, true},
    {"certificate", "KEYWARD_CERTIFICATE", &Settings::certificate, Kind::kPath, true},
    {"private_key", "KEYWARD_PRIVATE_KEY", &Settings::private_key, Kind::kPath, true},
    {"https_ca", "KEYWARD_HTTPS_CA", &Settings::https_ca, Kind::kPath, false},
    {"exchange", "KEYWARD_EXCHANGE", &Settings::exchange, Kind::kText, false},
    {"login_hosts", "KEYWARD_LOGIN_HOSTS", &Settings::login_hosts, Kind::kList, false},
    {"private_login_hosts", "KEYWARD_PRIVATE_LOGIN_HOSTS", &Settings::private_login_hosts,
     Kind::kList, false},
    {"https_proxy", "KEYWARD_HTTPS_PROXY", &Settings::https_proxy, Kind::kText, false},
};

const Field* FindField(const std::string& key) {
  for (const Field& field : kFields) {
    if (key == field.key) return &field;
  }
  return nullptr;
}

absl::Status Invalid(const std::string& path, const std::vector<std::string>& mistakes) {
  return Error(absl::StatusCode::kInvalidArgument, "SETTINGS_INVALID",
               absl::StrCat(path, ": ", absl::StrJoin(mistakes, "; ")));
}

std::string KnownSettings() {
  return absl::StrJoin(kFields, ", ",
                       [](std::string* out, const Field& field) { out->append(field.key); });
}

// What the file says a setting is; empty where it is not of its kind.
std::string ValueOf(const Field& field, const YAML::Node& value) {
  if (value.IsScalar()) return value.Scalar();
  if (field.kind != Kind::kList || !value.IsSequence()) return "";
  std::vector<std::string> items;
  for (const YAML::Node& item : value) {
    // One with a comma would become two.
    if (!item.IsScalar() || item.Scalar().find(',') != std::string::npos) return "";
    items.push_back(item.Scalar());
  }
  return absl::StrJoin(items, ",");
}

// Takes over one line of the file, or says what is wrong with it.
std::optional<std::string> ReadEntry(const YAML::Node& key, const YAML::Node& value,
                                     const std::filesystem::path& folder, Settings& settings) {
  const std::string where = absl::StrCat("line ", key.Mark().line + 1, ": ");
  if (!key.IsScalar()) return where + "a setting's name must be a word";
  const Field* field = FindField(key.Scalar());
  if (field == nullptr) {
    return absl::StrCat(where, "unknown setting '", key.Scalar(), "', known are ", KnownSettings());
  }
  const std::string text = ValueOf(*field, value);
  if (text.empty()) {
    return absl::StrCat(where, field->key, " must be a text that is not empty",
                        field->kind == Kind::kList ? ", or a list of such" : "");
  }
  std::string& member = settings.*(field->member);
  if (!member.empty()) return absl::StrCat(where, field->key, " is there twice");
  member = field->kind == Kind::kPath ? (folder / text).string() : text;
  return std::nullopt;
}

absl::StatusOr<Settings> ParseFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFileBytes));
  Settings settings;
  std::vector<std::string> mistakes;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return settings;
    if (!root.IsMap()) return Invalid(path, {"must be a map of settings"});
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    for (const auto& entry : root) {
      if (auto mistake = ReadEntry(entry.first, entry.second, folder, settings)) {
        mistakes.push_back(*mistake);
      }
    }
  } catch (const YAML::Exception& e) {
    return Invalid(path, {absl::StrCat("line ", e.mark.line + 1, ": ", e.msg)});
  }
  if (!mistakes.empty()) return Invalid(path, mistakes);
  return settings;
}

std::optional<std::string> Variable(const EnvironmentLookup& environment, const std::string& name) {
  std::optional<std::string> value = environment(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

// The file to read; empty for none.
std::string ConfigFile(const std::string& asked_for, const EnvironmentLookup& environment) {
  if (!asked_for.empty()) return asked_for;
  if (auto named = Variable(environment, "KEYWARD_CONFIG")) return *named;
  const auto home = Variable(environment, "HOME");
  if (!home) return "";
  const std::string usual = *home + "/.config/keyward/config.yaml";
  std::error_code unreadable;
  return std::filesystem::exists(usual, unreadable) ? usual : "";
}

bool IsNeeded(const Field& field, const Settings& settings, SettingsUse use) {
  if (!field.required) return false;
  if (use == SettingsUse::kSigner || settings.exchange.empty()) return true;
  // The caller of a Unix socket is known without a certificate.
  return field.kind == Kind::kPath && !absl::StartsWith(settings.exchange, "unix:");
}

// A path alone is no address: nobody should be asked for what host:port would need.
absl::Status CheckExchange(const Settings& settings, SettingsUse use) {
  const std::string& exchange = settings.exchange;
  if (use != SettingsUse::kToken || exchange.empty()) return absl::OkStatus();
  if (exchange[0] != '/' && exchange[0] != '.') return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, "SETTINGS_INVALID",
               absl::StrCat("exchange is a path: write unix:",
                            exchange[0] == '/' ? Shown(exchange, 108) : "/PATH"));
}

absl::Status CheckComplete(const Settings& settings, SettingsUse use) {
  std::vector<std::string> missing;
  for (const Field& field : kFields) {
    if (!IsNeeded(field, settings, use) || !(settings.*(field.member)).empty()) continue;
    missing.push_back(absl::StrCat("--", absl::StrReplaceAll(field.key, {{"_", "-"}}), " (or ",
                                   field.variable, ", or '", field.key, "' in the settings file)"));
  }
  if (missing.empty()) return absl::OkStatus();
  const bool exchange_helps = use == SettingsUse::kToken && settings.exchange.empty();
  return Error(absl::StatusCode::kFailedPrecondition, "SETTINGS_MISSING",
               absl::StrCat("not set: ", absl::StrJoin(missing, ", "),
                            exchange_helps ? "; where keyward-exchange runs, --exchange takes the "
                                             "place of --signer"
                                           : ""));
}

}  // namespace

std::vector<std::string> SettingList(absl::string_view list) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(list, ',')) {
    const absl::string_view stripped = absl::StripAsciiWhitespace(part);
    if (!stripped.empty()) parts.emplace_back(stripped);
  }
  return parts;
}

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<Settings> LoadSettings(const Settings& flags, const std::string& config_file,
                                      const EnvironmentLookup& environment, SettingsUse use) {
  Settings settings;
  const std::string path = ConfigFile(config_file, environment);
  if (!path.empty()) {
    ASSIGN_OR_RETURN(settings, ParseFile(path));
  }
  for (const Field& field : kFields) {
    if (auto value = Variable(environment, field.variable)) settings.*(field.member) = *value;
    if (!(flags.*(field.member)).empty()) settings.*(field.member) = flags.*(field.member);
  }
  RETURN_IF_ERROR(CheckExchange(settings, use));
  RETURN_IF_ERROR(CheckComplete(settings, use));
  return settings;
}

}  // namespace keyward::client
