// /sessions.

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/status_macros.h"
#include "tests/standin/admin_parts.h"
#include "tests/standin/http.h"
#include "tests/standin/json_fields.h"

namespace keyward::standin {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

json SessionsToJson(const State& state) {
  json list = json::array();
  for (const Session& session : state.sessions().List()) {
    list.push_back({{"id", session.id},
                    {"username", session.username},
                    {"consumer_key", session.consumer_key},
                    {"scopes", session.scopes},
                    {"expires", absl::FormatTime(session.expires, absl::UTCTimeZone())}});
  }
  return list;
}

absl::StatusOr<json> Revoke(State& state, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  SessionFilter filter;
  std::string token;
  JsonFields reader(fields);
  reader.Read("username", filter.username);
  reader.Read("consumer_key", filter.consumer_key);
  reader.Read("id", filter.id);
  reader.Read("access_token", token);
  RETURN_IF_ERROR(reader.Done());
  if (fields.empty()) {
    return BadRequest("say which: username, consumer_key, id or access_token");
  }
  if (!token.empty() && fields.size() > 1) return BadRequest("access_token stands alone");
  const int ended = token.empty() ? state.sessions().End(filter) : state.sessions().EndToken(token);
  return json{{"ended", ended}};
}

}  // namespace

void ServeSessionAdministration(httplib::Server& server, State& state) {
  server.Get("/sessions", [&state](const Request&, Response& response) {
    Answer(response, 200, SessionsToJson(state));
  });
  server.Delete("/sessions", [&state](const Request&, Response& response) {
    state.sessions().End({});
    Finish(response, absl::OkStatus());
  });
  server.Post("/sessions/revoke", [&state](const Request& request, Response& response) {
    Finish(response, 200, Revoke(state, request.body));
  });
}

}  // namespace keyward::standin
