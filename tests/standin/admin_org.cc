// /apps and /users.

#include <nlohmann/json.hpp>
#include <utility>

#include "common/status_macros.h"
#include "tests/standin/admin_parts.h"
#include "tests/standin/http.h"
#include "tests/standin/json_fields.h"

namespace keyward::standin {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

json AppToJson(const App& app) {
  json object = ToJson(app.settings);
  object["consumer_key"] = app.consumer_key;
  object["certificate"] = app.certificate ? json(app.certificate->pem) : json(nullptr);
  return object;
}

absl::StatusOr<json> CreateApp(State& state, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  AppSettings settings{.name = "", .scopes = {"api", "refresh_token"}};
  RETURN_IF_ERROR(UpdateApp(fields, settings));
  ASSIGN_OR_RETURN(const std::string consumer_key, state.CreateApp(std::move(settings)));
  return json{{"consumer_key", consumer_key}};
}

absl::Status ChangeApp(State& state, const std::string& consumer_key, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  return state.ChangeApp(consumer_key, [&](AppSettings& settings) -> absl::Status {
    return UpdateApp(fields, settings);
  });
}

absl::Status SetUsers(State& state, const std::string& consumer_key, const std::string& body) {
  ASSIGN_OR_RETURN(const json list, ParseJson(body));
  ASSIGN_OR_RETURN(std::vector<std::string> users, StringList(list, "the body"));
  return state.SetUsers(consumer_key, std::move(users));
}

absl::Status SetCertificate(State& state, const std::string& consumer_key,
                            const std::string& body) {
  ASSIGN_OR_RETURN(UploadedCertificate certificate, ParseCertificate(body));
  return state.SetCertificate(consumer_key, std::move(certificate));
}

json UserToJson(const std::string& username, const User& user) {
  json object = ToJson(user);
  object["username"] = username;
  object["id"] = user.id;
  return object;
}

absl::StatusOr<json> CreateUser(State& state, const std::string& body) {
  ASSIGN_OR_RETURN(json fields, ParseJson(body));
  std::string username;
  if (fields.is_object() && fields.contains("username") && fields["username"].is_string()) {
    username = fields["username"].get<std::string>();
    fields.erase("username");
  }
  if (username.empty()) return BadRequest("username must be a non-empty string");
  User user;
  RETURN_IF_ERROR(UpdateUser(fields, user));
  RETURN_IF_ERROR(state.CreateUser(username, std::move(user)));
  return UserToJson(username, *state.FindUser(username));
}

absl::Status ChangeUser(State& state, const std::string& username, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  return state.ChangeUser(username,
                          [&](User& user) -> absl::Status { return UpdateUser(fields, user); });
}

void ServeApps(httplib::Server& server, State& state) {
  server.Get("/apps", [&state](const Request&, Response& response) {
    json list = json::array();
    for (const App& app : state.Apps()) list.push_back(AppToJson(app));
    Answer(response, 200, list);
  });
  server.Post("/apps", [&state](const Request& request, Response& response) {
    Finish(response, 201, CreateApp(state, request.body));
  });
  server.Patch("/apps/([^/]+)", [&state](const Request& request, Response& response) {
    Finish(response, ChangeApp(state, request.matches[1].str(), request.body));
  });
  server.Delete("/apps/([^/]+)", [&state](const Request& request, Response& response) {
    Finish(response, state.DeleteApp(request.matches[1].str()));
  });
  server.Put("/apps/([^/]+)/users", [&state](const Request& request, Response& response) {
    Finish(response, SetUsers(state, request.matches[1].str(), request.body));
  });
  constexpr char kCertificate[] = "/apps/([^/]+)/certificate";
  server.Put(kCertificate, [&state](const Request& request, Response& response) {
    Finish(response, SetCertificate(state, request.matches[1].str(), request.body));
  });
  server.Delete(kCertificate, [&state](const Request& request, Response& response) {
    Finish(response, state.SetCertificate(request.matches[1].str(), std::nullopt));
  });
}

}  // namespace

void ServeOrgAdministration(httplib::Server& server, State& state) {
  ServeApps(server, state);
  server.Get("/users", [&state](const Request&, Response& response) {
    json list = json::array();
    for (const auto& [username, user] : state.Users()) list.push_back(UserToJson(username, user));
    Answer(response, 200, list);
  });
  server.Post("/users", [&state](const Request& request, Response& response) {
    Finish(response, 201, CreateUser(state, request.body));
  });
  server.Put("/users/([^/]+)", [&state](const Request& request, Response& response) {
    Finish(response, ChangeUser(state, request.matches[1].str(), request.body));
  });
}

}  // namespace keyward::standin
