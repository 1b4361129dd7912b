// The imitated Salesforce org: its users and its apps with their certificates and
// policies, and how each is written in JSON.
#ifndef KEYWARD_TESTS_STANDIN_ORG_H_
#define KEYWARD_TESTS_STANDIN_ORG_H_

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/standin/certificate.h"

namespace keyward::standin {

struct User {
  // 18 characters.
  std::string id = {};
  bool active = true;
  bool frozen = false;
  // "API Enabled"; without it the REST API answers 403.
  bool api_enabled = true;
  std::string profile = {};
  std::vector<std::string> permission_sets = {};
  // Addresses from which the user may log in (ip_range.h), anywhere when empty.
  std::vector<std::string> ip_ranges = {};
};

struct AppSettings {
  std::string name;
  // Users who may log in through the app: pre-authorized ones.
  std::vector<std::string> users = {};
  std::vector<std::string> scopes = {};
  // "Permitted Users" is "Admin approved users are pre-authorized": then profile
  // and permission sets of the user count too, and the refusal of others differs.
  bool admin_approved = false;
  std::vector<std::string> profiles = {};
  std::vector<std::string> permission_sets = {};
  // "IP Relaxation" is "Relax IP restrictions": users' ip_ranges do not count.
  bool relax_ip = false;
  // Host names (no port) at which the app is installed, all when empty.
  std::vector<std::string> login_hosts = {};
  // Accepted `aud` values in place of the stand-in's own, when not empty.
  std::vector<std::string> audiences = {};
  // Life of a session after its last use; 0 is the stand-in's own.
  int session_seconds = 0;
  // "opaque", or "jwt": three base64url parts with an `exp` that use does not extend.
  std::string token_format = "opaque";
  // A login while the user's session of this app lives gives the same token again.
  bool reuse_session = false;
  // What the token endpoint answers; empty is the address that the request went to.
  std::string instance_url = {};
  // Beyond the fields that are always there: issued_at, signature,
  // sfdc_community_url, sfdc_community_id.
  std::vector<std::string> response_fields = {"issued_at"};
};

struct App {
  AppSettings settings;
  std::string consumer_key;
  std::optional<UploadedCertificate> certificate;
};

// What outlives the process when State has a directory: everything but the
// sessions.
struct Org {
  // 18 characters.
  std::string id;
  std::map<std::string, User> users;
  // By consumer key.
  std::map<std::string, App> apps;
};

// Puts the members of `fields` over `settings`. BAD_REQUEST for what does not fit.
absl::Status UpdateApp(const nlohmann::json& fields, AppSettings& settings);
// The same for a user; the id cannot be changed.
absl::Status UpdateUser(const nlohmann::json& fields, User& user);

// What an UpdateApp() takes. Settings that have their default are left out, except
// the first four.
nlohmann::json ToJson(const AppSettings& settings);
// What an UpdateUser() takes, as a whole.
nlohmann::json ToJson(const User& user);

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_ORG_H_
