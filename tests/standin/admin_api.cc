#include "tests/standin/admin_api.h"

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "tests/standin/http.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

constexpr size_t kMaxNameBytes = 80;
constexpr size_t kMaxListEntries = 1000;

absl::Status BadRequest(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "BAD_REQUEST", message);
}

absl::StatusOr<json> ParseBody(const httplib::Request& request) {
  json body = json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded()) return BadRequest("the body is not JSON");
  return body;
}

absl::StatusOr<std::vector<std::string>> StringList(const json& value, absl::string_view name) {
  if (!value.is_array() || value.size() > kMaxListEntries) {
    return BadRequest(absl::StrCat(name, " must be an array of at most ", kMaxListEntries));
  }
  std::vector<std::string> list;
  for (const json& entry : value) {
    if (!entry.is_string() || entry.get_ref<const std::string&>().empty()) {
      return BadRequest(absl::StrCat(name, " must hold non-empty strings"));
    }
    list.push_back(entry.get<std::string>());
  }
  return list;
}

absl::StatusOr<bool> Boolean(const json& value, absl::string_view name) {
  if (!value.is_boolean()) return BadRequest(absl::StrCat(name, " must be true or false"));
  return value.get<bool>();
}

absl::StatusOr<AppSettings> ParseApp(const httplib::Request& request) {
  ASSIGN_OR_RETURN(const json body, ParseBody(request));
  if (!body.is_object()) return BadRequest("the body must be an object");
  AppSettings app{.name = "", .users = {}, .scopes = {"api", "refresh_token"}};
  for (const auto& [name, value] : body.items()) {
    if (name == "name" && value.is_string()) {
      app.name = value.get<std::string>();
    } else if (name == "users") {
      ASSIGN_OR_RETURN(app.users, StringList(value, name));
    } else if (name == "scopes") {
      ASSIGN_OR_RETURN(app.scopes, StringList(value, name));
    } else if (name == "admin_approved") {
      ASSIGN_OR_RETURN(app.admin_approved, Boolean(value, name));
    } else if (name != "name") {
      return BadRequest("an app has name, users, scopes and admin_approved, nothing else");
    }
  }
  if (app.name.empty() || app.name.size() > kMaxNameBytes) {
    return BadRequest(absl::StrCat("name must be a string of 1 to ", kMaxNameBytes, " bytes"));
  }
  return app;
}

absl::StatusOr<bool> ParseActive(const httplib::Request& request) {
  ASSIGN_OR_RETURN(const json body, ParseBody(request));
  if (!body.is_object() || body.size() != 1 || !body.contains("active")) {
    return BadRequest("the body must be {\"active\": true} or {\"active\": false}");
  }
  return Boolean(body["active"], "active");
}

json AppsToJson(const State& state) {
  json list = json::array();
  for (const App& app : state.Apps()) {
    list.push_back({{"consumer_key", app.consumer_key},
                    {"name", app.settings.name},
                    {"users", app.settings.users},
                    {"scopes", app.settings.scopes},
                    {"admin_approved", app.settings.admin_approved},
                    {"certificate", app.certificate ? json(app.certificate->pem) : json(nullptr)}});
  }
  return list;
}

json JournalToJson(const Journal& journal) {
  json list = json::array();
  for (const JournalEntry& entry : journal.Entries()) {
    list.push_back({{"time", absl::FormatTime(entry.time, absl::UTCTimeZone())},
                    {"method", entry.method},
                    {"endpoint", entry.endpoint},
                    {"iss", entry.issuer},
                    {"sub", entry.subject},
                    {"status", entry.status},
                    {"error", entry.error},
                    {"description", entry.description}});
  }
  return list;
}

json SessionsToJson(const State& state) {
  json list = json::array();
  for (const Session& session : state.Sessions()) {
    list.push_back({{"username", session.username},
                    {"consumer_key", session.consumer_key},
                    {"expires", absl::FormatTime(session.expires, absl::UTCTimeZone())}});
  }
  return list;
}

// 204, or the error.
void Finish(httplib::Response& response, const absl::Status& status) {
  if (status.ok()) {
    response.status = 204;
    return;
  }
  const int code = absl::IsInvalidArgument(status) ? 400 : absl::IsNotFound(status) ? 404 : 500;
  Answer(response, code,
         {{"error", ReasonOf(status).value_or("INTERNAL")},
          {"message", std::string(status.message())}});
}

void ServeApps(httplib::Server& server, State& state) {
  server.Get("/apps", [&state](const httplib::Request&, httplib::Response& response) {
    Answer(response, 200, AppsToJson(state));
  });
  server.Post("/apps", [&state](const httplib::Request& request, httplib::Response& response) {
    absl::StatusOr<AppSettings> app = ParseApp(request);
    if (!app.ok()) return Finish(response, app.status());
    const absl::StatusOr<std::string> consumer_key = state.CreateApp(*std::move(app));
    if (!consumer_key.ok()) return Finish(response, consumer_key.status());
    Answer(response, 201, {{"consumer_key", *consumer_key}});
  });
  server.Put("/apps/([^/]+)/users",
             [&state](const httplib::Request& request, httplib::Response& response) {
               const absl::StatusOr<json> body = ParseBody(request);
               if (!body.ok()) return Finish(response, body.status());
               absl::StatusOr<std::vector<std::string>> users = StringList(*body, "the body");
               if (!users.ok()) return Finish(response, users.status());
               Finish(response, state.SetUsers(request.matches[1].str(), *std::move(users)));
             });
}

void ServeCertificates(httplib::Server& server, State& state) {
  constexpr char kPath[] = "/apps/([^/]+)/certificate";
  server.Put(kPath, [&state](const httplib::Request& request, httplib::Response& response) {
    const absl::StatusOr<UploadedCertificate> certificate = ParseCertificate(request.body);
    if (!certificate.ok()) return Finish(response, certificate.status());
    Finish(response, state.SetCertificate(request.matches[1].str(), *certificate));
  });
  server.Delete(kPath, [&state](const httplib::Request& request, httplib::Response& response) {
    Finish(response, state.SetCertificate(request.matches[1].str(), std::nullopt));
  });
}

}  // namespace

void ServeAdminApi(httplib::Server& server, State& state, const Journal& journal) {
  ServeApps(server, state);
  ServeCertificates(server, state);
  server.Put("/users/([^/]+)",
             [&state](const httplib::Request& request, httplib::Response& response) {
               const absl::StatusOr<bool> active = ParseActive(request);
               if (!active.ok()) return Finish(response, active.status());
               Finish(response, state.SetUserActive(request.matches[1].str(), *active));
             });
  server.Get("/journal", [&journal](const httplib::Request&, httplib::Response& response) {
    Answer(response, 200, JournalToJson(journal));
  });
  server.Get("/sessions", [&state](const httplib::Request&, httplib::Response& response) {
    Answer(response, 200, SessionsToJson(state));
  });
  server.Delete("/sessions", [&state](const httplib::Request&, httplib::Response& response) {
    state.EndSessions();
    Finish(response, absl::OkStatus());
  });
}

}  // namespace keyward::standin
