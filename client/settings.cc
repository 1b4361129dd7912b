#include "client/settings.h"

#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

constexpr size_t kMaxFileBytes = 64 << 10;

struct Field {
  const char* key;
  const char* variable;
  std::string Settings::*member;
  bool is_path;
  bool required;
};

constexpr Field kFields[] = {
    {"signer", "KEYWARD_SIGNER", &Settings::signer, false, true},
    {"ca", "KEYWARD_CA", &Settings::ca, true, true},
    {"certificate", "KEYWARD_CERTIFICATE", &Settings::certificate, true, true},
    {"private_key", "KEYWARD_PRIVATE_KEY", &Settings::private_key, true, true},
    {"https_ca", "KEYWARD_HTTPS_CA", &Settings::https_ca, true, false},
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

// Takes over one line of the file, or says what is wrong with it.
std::optional<std::string> ReadEntry(const YAML::Node& key, const YAML::Node& value,
                                     const std::filesystem::path& folder, Settings& settings) {
  const std::string where = absl::StrCat("line ", key.Mark().line + 1, ": ");
  if (!key.IsScalar()) return where + "a setting's name must be a word";
  const Field* field = FindField(key.Scalar());
  if (field == nullptr) {
    return absl::StrCat(where, "unknown setting '", key.Scalar(),
                        "', known are signer, ca, certificate, private_key and https_ca");
  }
  if (!value.IsScalar() || value.Scalar().empty()) {
    return absl::StrCat(where, field->key, " must be a text that is not empty");
  }
  std::string& member = settings.*(field->member);
  if (!member.empty()) return absl::StrCat(where, field->key, " is there twice");
  member = field->is_path ? (folder / value.Scalar()).string() : value.Scalar();
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

absl::Status CheckComplete(const Settings& settings) {
  std::vector<std::string> missing;
  for (const Field& field : kFields) {
    if (!field.required || !(settings.*(field.member)).empty()) continue;
    missing.push_back(absl::StrCat("--", absl::StrReplaceAll(field.key, {{"_", "-"}}), " (or ",
                                   field.variable, ", or '", field.key, "' in the settings file)"));
  }
  if (missing.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "SETTINGS_MISSING",
               absl::StrCat("not set: ", absl::StrJoin(missing, ", ")));
}

}  // namespace

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<Settings> LoadSettings(const Settings& flags, const std::string& config_file,
                                      const EnvironmentLookup& environment) {
  Settings settings;
  const std::string path = ConfigFile(config_file, environment);
  if (!path.empty()) {
    ASSIGN_OR_RETURN(settings, ParseFile(path));
  }
  for (const Field& field : kFields) {
    if (auto value = Variable(environment, field.variable)) settings.*(field.member) = *value;
    if (!(flags.*(field.member)).empty()) settings.*(field.member) = flags.*(field.member);
  }
  RETURN_IF_ERROR(CheckComplete(settings));
  return settings;
}

}  // namespace keyward::client
