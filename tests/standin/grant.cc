#include "tests/standin/grant.h"

#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/standin/ids.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

// As Salesforce forms it: HMAC-SHA256 of id and issued_at under the app's secret,
// in base64. No client of this flow has the secret, so any will do.
std::string Signature(const std::string& consumer_key, const std::string& text) {
  std::array<uint8_t, 32> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), consumer_key.data(), static_cast<int>(consumer_key.size()),
       reinterpret_cast<const uint8_t*>(text.data()), text.size(), mac.data(), &size);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(mac.data()), mac.size()));
}

// In the form of Salesforce's JWT-based access tokens. What verifies them is the
// stand-in's own list of sessions, so the signature is random.
std::string JwtToken(const App& app, const User& user, const std::string& instance,
                     absl::Time issued, absl::Duration lifetime) {
  const json header = {{"alg", "RS256"}, {"kid", "standin"}, {"typ", "JWT"}};
  const json claims = {{"iss", instance},
                       {"aud", json::array({instance})},
                       {"sub", absl::StrCat("uid:", user.id)},
                       {"client_id", app.consumer_key},
                       {"scp", absl::StrJoin(app.settings.scopes, " ")},
                       {"mty", "oauth"},
                       {"iat", absl::ToUnixSeconds(issued)},
                       {"nbf", absl::ToUnixSeconds(issued)},
                       {"exp", absl::ToUnixSeconds(issued + lifetime)}};
  return absl::StrCat(absl::WebSafeBase64Escape(header.dump()), ".",
                      absl::WebSafeBase64Escape(claims.dump()), ".",
                      absl::WebSafeBase64Escape(NewAccessToken(std::string(15, '0'))));
}

std::string OpenSession(State& state, const App& app, const std::string& username, const User& user,
                        const std::string& instance) {
  const absl::Duration lifetime = app.settings.session_seconds > 0
                                      ? absl::Seconds(app.settings.session_seconds)
                                      : state.limits().session_lifetime;
  const bool jwt = app.settings.token_format == "jwt";
  std::string token = jwt ? JwtToken(app, user, instance, state.clock(), lifetime)
                          : NewAccessToken(state.organization_id());
  return state.sessions().Open({.username = username,
                                .consumer_key = app.consumer_key,
                                .expires = state.now() + lifetime,
                                .scopes = app.settings.scopes,
                                .extension = jwt ? absl::ZeroDuration() : lifetime},
                               std::move(token), app.settings.reuse_session);
}

}  // namespace

json Grant(State& state, const App& app, const std::string& username, const User& user,
           const std::string& origin) {
  const AppSettings& settings = app.settings;
  const std::string instance = settings.instance_url.empty() ? origin : settings.instance_url;
  const std::string id = absl::StrCat(origin, "/id/", state.organization_id(), "/", user.id);
  const std::string issued_at = absl::StrCat(absl::ToUnixMillis(state.clock()));
  // Salesforce sends no expires_in in this flow.
  json answer = {{"access_token", OpenSession(state, app, username, user, instance)},
                 {"scope", absl::StrJoin(settings.scopes, " ")},
                 {"instance_url", instance},
                 {"id", id},
                 {"token_type", "Bearer"}};
  const auto wanted = [&](const char* field) {
    return std::find(settings.response_fields.begin(), settings.response_fields.end(), field) !=
           settings.response_fields.end();
  };
  if (wanted("issued_at")) answer["issued_at"] = issued_at;
  if (wanted("signature")) answer["signature"] = Signature(app.consumer_key, id + issued_at);
  if (wanted("sfdc_community_url")) answer["sfdc_community_url"] = instance + "/site";
  if (wanted("sfdc_community_id")) answer["sfdc_community_id"] = "0DB000000000001AAA";
  return answer;
}

}  // namespace keyward::standin
