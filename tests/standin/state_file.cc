#include "tests/standin/state_file.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/status_macros.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

constexpr size_t kMaxFileBytes = size_t{256} << 20;

std::string FileIn(const std::string& directory) { return absl::StrCat(directory, "/org.json"); }

// nlohmann::json's own exceptions report what does not fit.
absl::StatusOr<Org> OrgFromJson(const json& document) {
  Org org{.id = document.at("id").get<std::string>(), .users = {}, .apps = {}};
  for (const auto& [username, user] : document.at("users").items()) {
    json fields = user;
    User& added = org.users[username];
    added.id = user.at("id").get<std::string>();
    fields.erase("id");
    RETURN_IF_ERROR(UpdateUser(fields, added));
  }
  for (const json& entry : document.at("apps")) {
    App app;
    app.consumer_key = entry.at("consumer_key").get<std::string>();
    json fields = entry;
    fields.erase("consumer_key");
    fields.erase("certificate");
    RETURN_IF_ERROR(UpdateApp(fields, app.settings));
    if (entry.contains("certificate")) {
      ASSIGN_OR_RETURN(app.certificate,
                       ParseCertificate(entry.at("certificate").get<std::string>()));
    }
    org.apps[app.consumer_key] = std::move(app);
  }
  return org;
}

json OrgToJson(const Org& org) {
  json users = json::object();
  for (const auto& [username, user] : org.users) {
    users[username] = ToJson(user);
    users[username]["id"] = user.id;
  }
  json apps = json::array();
  for (const auto& [consumer_key, app] : org.apps) {
    json entry = ToJson(app.settings);
    entry["consumer_key"] = consumer_key;
    if (app.certificate.has_value()) entry["certificate"] = app.certificate->pem;
    apps.push_back(std::move(entry));
  }
  return {{"id", org.id}, {"users", std::move(users)}, {"apps", std::move(apps)}};
}

}  // namespace

absl::StatusOr<std::optional<Org>> LoadOrg(const std::string& directory) {
  const std::string path = FileIn(directory);
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxFileBytes);
  if (absl::IsNotFound(text.status())) return std::nullopt;
  RETURN_IF_ERROR(text.status());
  try {
    absl::StatusOr<Org> org = OrgFromJson(json::parse(*text));
    if (!org.ok()) return Annotate(org.status(), path);
    return *std::move(org);
  } catch (const json::exception& e) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", e.what()));
  }
}

absl::Status SaveOrg(const std::string& directory, const Org& org) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return absl::InternalError(absl::StrCat(directory, ": ", error.message()));
  return WriteFile(FileIn(directory), OrgToJson(org).dump(2), 0600);
}

}  // namespace keyward::standin
