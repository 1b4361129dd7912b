#include "signer/connection_changes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace keyward::signer {
namespace {

using nlohmann::ordered_json;
using registry::ConnectionSettings;

const char* NameOf(registry::Environment environment) {
  switch (environment) {
    case registry::Environment::kProduction:
      return "PRODUCTION";
    case registry::Environment::kSandbox:
      return "SANDBOX";
    case registry::Environment::kCustom:
      return "CUSTOM";
  }
  return "";
}

ordered_json ToJson(const ConnectionSettings& settings) {
  return {{"consumer_key", settings.consumer_key}, {"environment", NameOf(settings.environment)},
          {"login_url", settings.login_url},       {"audiences", settings.audiences},
          {"subjects", settings.subjects},         {"subject_patterns", settings.subject_patterns},
          {"include_kid", settings.include_kid}};
}

std::string Dump(const ordered_json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
}

std::vector<std::string> Sorted(std::vector<std::string> items) {
  std::sort(items.begin(), items.end());
  return items;
}

bool HasMore(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  return std::any_of(after.begin(), after.end(), [&](const std::string& item) {
    return std::find(before.begin(), before.end(), item) == before.end();
  });
}

}  // namespace

BeforeAndAfter DifferenceOf(const ConnectionSettings& before, const ConnectionSettings& after) {
  ordered_json old_json = ToJson(before);
  ordered_json new_json = ToJson(after);
  ordered_json changed_old = ordered_json::object();
  ordered_json changed_new = ordered_json::object();
  for (const auto& [name, value] : old_json.items()) {
    if (value == new_json[name]) continue;
    changed_old[name] = value;
    changed_new[name] = new_json[name];
  }
  return {Dump(changed_old), Dump(changed_new)};
}

std::string SettingsJson(const ConnectionSettings& settings) { return Dump(ToJson(settings)); }

std::vector<Change> ChangesOf(const ConnectionSettings& before, const ConnectionSettings& after) {
  std::vector<Change> changes;
  if (before.consumer_key != after.consumer_key) changes.push_back(Change::kConsumerKey);
  if (Sorted(before.audiences) != Sorted(after.audiences)) changes.push_back(Change::kAudiences);
  if (before.login_url != after.login_url || before.environment != after.environment) {
    changes.push_back(Change::kLoginHost);
  }
  if (HasMore(before.subjects, after.subjects) ||
      HasMore(before.subject_patterns, after.subject_patterns)) {
    changes.push_back(Change::kSubjects);
  }
  return changes;
}

}  // namespace keyward::signer
