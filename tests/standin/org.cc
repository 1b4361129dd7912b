#include "tests/standin/org.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "tests/standin/ip_range.h"
#include "tests/standin/json_fields.h"

namespace keyward::standin {

using nlohmann::json;

namespace {

constexpr size_t kMaxNameBytes = 80;
constexpr int kLongestSessionSeconds = 86400;
constexpr std::array<absl::string_view, 4> kResponseFields = {
    "issued_at", "signature", "sfdc_community_url", "sfdc_community_id"};

absl::Status Check(const AppSettings& settings) {
  if (settings.name.empty() || settings.name.size() > kMaxNameBytes) {
    return BadRequest(absl::StrCat("name must be a string of 1 to ", kMaxNameBytes, " bytes"));
  }
  if (settings.token_format != "opaque" && settings.token_format != "jwt") {
    return BadRequest("token_format must be opaque or jwt");
  }
  for (const std::string& field : settings.response_fields) {
    if (std::find(kResponseFields.begin(), kResponseFields.end(), field) == kResponseFields.end()) {
      return BadRequest(
          "response_fields may hold issued_at, signature, sfdc_community_url and "
          "sfdc_community_id");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status UpdateApp(const json& fields, AppSettings& settings) {
  AppSettings next = settings;
  JsonFields reader(fields);
  reader.Read("name", next.name);
  reader.Read("users", next.users);
  reader.Read("scopes", next.scopes);
  reader.Read("admin_approved", next.admin_approved);
  reader.Read("profiles", next.profiles);
  reader.Read("permission_sets", next.permission_sets);
  reader.Read("relax_ip", next.relax_ip);
  reader.Read("login_hosts", next.login_hosts);
  reader.Read("audiences", next.audiences);
  reader.Read("session_seconds", next.session_seconds, 0, kLongestSessionSeconds);
  reader.Read("token_format", next.token_format);
  reader.Read("reuse_session", next.reuse_session);
  reader.Read("instance_url", next.instance_url);
  reader.Read("response_fields", next.response_fields);
  RETURN_IF_ERROR(reader.Done());
  RETURN_IF_ERROR(Check(next));
  settings = std::move(next);
  return absl::OkStatus();
}

absl::Status UpdateUser(const json& fields, User& user) {
  User next = user;
  JsonFields reader(fields);
  reader.Read("active", next.active);
  reader.Read("frozen", next.frozen);
  reader.Read("api_enabled", next.api_enabled);
  reader.Read("profile", next.profile);
  reader.Read("permission_sets", next.permission_sets);
  reader.Read("ip_ranges", next.ip_ranges);
  RETURN_IF_ERROR(reader.Done());
  for (const std::string& range : next.ip_ranges) {
    if (!IsIpRange(range)) {
      return BadRequest("ip_ranges must hold IPv4 addresses, ADDRESS-ADDRESS or ADDRESS/BITS");
    }
  }
  user = std::move(next);
  return absl::OkStatus();
}

json ToJson(const AppSettings& settings) {
  const AppSettings usual{.name = ""};
  json object = {{"name", settings.name},
                 {"users", settings.users},
                 {"scopes", settings.scopes},
                 {"admin_approved", settings.admin_approved}};
  const auto add = [&](const char* name, const auto& value, const auto& usual_value) {
    if (value != usual_value) object[name] = value;
  };
  add("profiles", settings.profiles, usual.profiles);
  add("permission_sets", settings.permission_sets, usual.permission_sets);
  add("relax_ip", settings.relax_ip, usual.relax_ip);
  add("login_hosts", settings.login_hosts, usual.login_hosts);
  add("audiences", settings.audiences, usual.audiences);
  add("session_seconds", settings.session_seconds, usual.session_seconds);
  add("token_format", settings.token_format, usual.token_format);
  add("reuse_session", settings.reuse_session, usual.reuse_session);
  add("instance_url", settings.instance_url, usual.instance_url);
  add("response_fields", settings.response_fields, usual.response_fields);
  return object;
}

json ToJson(const User& user) {
  return {{"active", user.active},
          {"frozen", user.frozen},
          {"api_enabled", user.api_enabled},
          {"profile", user.profile},
          {"permission_sets", user.permission_sets},
          {"ip_ranges", user.ip_ranges}};
}

}  // namespace keyward::standin
