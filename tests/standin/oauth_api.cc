#include "tests/standin/oauth_api.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "tests/standin/form.h"
#include "tests/standin/http.h"
#include "tests/standin/rest_call.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

RestAnswer UserInfo(const RestCall& call) {
  json answer = Profile(call);
  answer["sub"] = OriginOf(call.request) + IdentityPath(call);
  answer["preferred_username"] = call.session.username;
  answer["nickname"] = answer["nick_name"];
  answer["name"] = answer["nick_name"];
  answer["given_name"] = "";
  answer["family_name"] = answer["nick_name"];
  answer["zoneinfo"] = "GMT";
  answer["profile"] = answer["urls"]["profile"];
  answer.erase("nick_name");
  return {200, std::move(answer)};
}

RestAnswer Identity(const RestCall& call) {
  if (call.request.path != IdentityPath(call)) {
    return RestFailure(403, "FORBIDDEN", "The access token belongs to another user or org");
  }
  json answer = Profile(call);
  answer["id"] = OriginOf(call.request) + call.request.path;
  answer["asserted_user"] = true;
  answer["username"] = call.session.username;
  answer["display_name"] = call.session.username;
  return {200, std::move(answer)};
}

// A field of the form, or of the query.
std::string Field(const httplib::Request& request, const char* name) {
  const auto form = ParseForm(request.body);
  if (form.ok()) {
    for (const auto& [field, value] : *form) {
      if (field == name) return value;
    }
  }
  return request.get_param_value(name);
}

void Revoke(const Parts& parts, const httplib::Request& request, httplib::Response& response,
            JournalEntry& entry) {
  const std::string hint = Field(request, "token_type_hint");
  const std::string token = Field(request, "token");
  if (!hint.empty() && hint != "access_token") {
    entry.error = "unsupported_token_type";
    entry.description = "this token type is not supported";
  } else if (const std::optional<Session> session = parts.state.UseSession(token);
             session.has_value()) {
    entry.issuer = session->consumer_key;
    entry.subject = session->username;
    parts.state.sessions().EndToken(token);
    response.status = 200;
    response.set_header("Content-Type", "application/json;charset=UTF-8");
    return;
  } else {
    entry.error = "invalid_token";
    entry.description = "invalid token";
  }
  Answer(response, 400, {{"error", entry.error}, {"error_description", entry.description}});
}

}  // namespace

void ServeOauthApi(httplib::Server& server, const Parts& parts) {
  static constexpr char kUserInfo[] = "/services/oauth2/userinfo";
  const httplib::Server::Handler user_info =
      Endpoint(parts, kUserInfo, Authenticated(parts, &UserInfo, /*needs_api=*/false));
  server.Get(kUserInfo, user_info);
  server.Post(kUserInfo, user_info);
  static constexpr char kRevoke[] = "/services/oauth2/revoke";
  const httplib::Server::Handler revoke =
      Endpoint(parts, kRevoke,
               [parts](const httplib::Request& request, httplib::Response& response,
                       JournalEntry& entry) { Revoke(parts, request, response, entry); });
  server.Get(kRevoke, revoke);
  server.Post(kRevoke, revoke);
  server.Get(
      R"(/id/\w{18}/\w{18})",
      Endpoint(parts, "/id/{id}/{id}", Authenticated(parts, &Identity, /*needs_api=*/false)));
}

}  // namespace keyward::standin
