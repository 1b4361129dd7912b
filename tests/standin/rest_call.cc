#include "tests/standin/rest_call.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/standin/http.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

bool HasApiScope(const Session& session) {
  // State's own sessions, without an app, have no list.
  if (session.scopes.empty()) return true;
  return std::any_of(session.scopes.begin(), session.scopes.end(),
                     [](const std::string& scope) { return scope == "api" || scope == "full"; });
}

RestAnswer Run(const RestCall& call, RestOperation operation, bool needs_api) {
  if (needs_api && !HasApiScope(call.session)) {
    return RestFailure(401, "INVALID_SESSION_ID",
                       "This session is not valid for use with the REST API");
  }
  const std::optional<User> user = call.state.FindUser(call.session.username);
  if (user.has_value() && !user->api_enabled) {
    return RestFailure(403, "API_DISABLED_FOR_ORG",
                       "The REST API is not enabled for this Organization.");
  }
  return operation(call);
}

}  // namespace

RestAnswer RestFailure(int status, const char* code, absl::string_view message) {
  return {status, json::array({{{"errorCode", code}, {"message", std::string(message)}}})};
}

RestAnswer RestNotFound() {
  return RestFailure(404, "NOT_FOUND", "The requested resource does not exist");
}

std::string BearerToken(const httplib::Request& request) {
  const std::string header = request.get_header_value("Authorization");
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(header, kScheme)) return "";
  return header.substr(kScheme.size());
}

Operation Authenticated(const Parts& parts, RestOperation operation, bool needs_api) {
  return [&state = parts.state, operation, needs_api](
             const httplib::Request& request, httplib::Response& response, JournalEntry& entry) {
    const std::optional<Session> session = state.UseSession(BearerToken(request));
    RestAnswer answer;
    if (session.has_value()) {
      entry.issuer = session->consumer_key;
      entry.subject = session->username;
      answer = Run({request, *session, state}, operation, needs_api);
    } else {
      answer = RestFailure(401, "INVALID_SESSION_ID", "Session expired or invalid");
    }
    if (answer.status >= 400) {
      entry.error = answer.body[0]["errorCode"];
      entry.description = answer.body[0]["message"];
    }
    Answer(response, answer.status, answer.body);
  };
}

std::string IdentityPath(const RestCall& call) {
  const std::optional<User> user = call.state.FindUser(call.session.username);
  return absl::StrCat("/id/", call.state.organization_id(), "/", user ? user->id : "");
}

json Profile(const RestCall& call) {
  const std::optional<User> user = call.state.FindUser(call.session.username);
  const std::string origin = OriginOf(call.request);
  const std::string name = call.session.username.substr(0, call.session.username.find('@'));
  return {{"user_id", user ? user->id : ""},
          {"organization_id", call.state.organization_id()},
          {"email", call.session.username},
          {"email_verified", true},
          {"active", user && user->active},
          {"user_type", "STANDARD"},
          {"language", "en_US"},
          {"locale", "en_US"},
          {"utcOffset", 0},
          {"is_app_installed", true},
          {"urls",
           {{"rest", absl::StrCat(origin, "/services/data/v{version}/")},
            {"sobjects", absl::StrCat(origin, "/services/data/v{version}/sobjects/")},
            {"query", absl::StrCat(origin, "/services/data/v{version}/query/")},
            {"profile", absl::StrCat(origin, "/", user ? user->id : "")},
            {"custom_domain", origin}}},
          {"nick_name", name}};
}

}  // namespace keyward::standin
