#include "tests/standin/rest_api.h"

#include <httplib.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/standin/http.h"
#include "tests/standin/soql.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

// What jsforce asks for by default.
constexpr int kOldestVersion = 50;
constexpr int kNewestVersion = 66;

struct RestAnswer {
  int status = 200;
  json body;
};

// What an operation may know about the request that it answers.
struct RestCall {
  const httplib::Request& request;
  const Session& session;
  const State& state;
};

RestAnswer Failure(int status, const char* code, absl::string_view message) {
  return {status, json::array({{{"errorCode", code}, {"message", std::string(message)}}})};
}

RestAnswer NotFound() { return Failure(404, "NOT_FOUND", "The requested resource does not exist"); }

std::string BearerToken(const httplib::Request& request) {
  const std::string header = request.get_header_value("Authorization");
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(header, kScheme)) return "";
  return header.substr(kScheme.size());
}

// Three releases a year: 50 is Winter '21, 51 Spring '21.
std::string ReleaseName(int version) {
  constexpr absl::string_view kSeasons[] = {"Spring", "Summer", "Winter"};
  return absl::StrFormat("%s '%d", kSeasons[version % 3], 21 + (version - 50) / 3);
}

RestAnswer Versions(const RestCall& /*call*/) {
  json versions = json::array();
  for (int version = kOldestVersion; version <= kNewestVersion; ++version) {
    versions.push_back({{"label", ReleaseName(version)},
                        {"url", absl::StrCat("/services/data/v", version, ".0")},
                        {"version", absl::StrCat(version, ".0")}});
  }
  return {200, std::move(versions)};
}

// The path without its leading version, "" when that version is not served.
std::string VersionPath(const httplib::Request& request) {
  const std::string number = request.matches[1];
  int version = 0;
  const bool served =
      absl::SimpleAtoi(number, &version) && version >= kOldestVersion && version <= kNewestVersion;
  return served ? absl::StrCat("/services/data/v", version, ".0") : "";
}

std::string IdentityPath(const RestCall& call) {
  const std::optional<User> user = call.state.FindUser(call.session.username);
  return absl::StrCat("/id/", call.state.organization_id(), "/", user ? user->id : "");
}

RestAnswer Resources(const RestCall& call) {
  const std::string path = VersionPath(call.request);
  if (path.empty()) return NotFound();
  return {200,
          {{"query", absl::StrCat(path, "/query")},
           {"sobjects", absl::StrCat(path, "/sobjects")},
           {"identity", absl::StrCat(OriginOf(call.request), IdentityPath(call))}}};
}

RestAnswer Identity(const RestCall& call) {
  if (call.request.path != IdentityPath(call)) {
    return Failure(403, "FORBIDDEN", "The access token belongs to another user or org");
  }
  const std::optional<User> user = call.state.FindUser(call.session.username);
  return {200,
          {{"id", absl::StrCat(OriginOf(call.request), call.request.path)},
           {"user_id", user ? user->id : ""},
           {"organization_id", call.state.organization_id()},
           {"username", call.session.username},
           {"display_name", call.session.username},
           {"active", user && user->active},
           {"user_type", "STANDARD"}}};
}

// OpenID Connect Core 1.0 section 5.3, with Salesforce's own additions.
RestAnswer UserInfo(const RestCall& call) {
  const std::optional<User> user = call.state.FindUser(call.session.username);
  return {200,
          {{"sub", absl::StrCat(OriginOf(call.request), IdentityPath(call))},
           {"user_id", user ? user->id : ""},
           {"organization_id", call.state.organization_id()},
           {"preferred_username", call.session.username},
           {"active", user && user->active}}};
}

// The records of `object` with every field that is known of them.
std::vector<json> RecordsOf(absl::string_view object, const RestCall& call) {
  if (absl::EqualsIgnoreCase(object, "Organization")) {
    return {{{"Id", call.state.organization_id()},
             {"Name", "Keyward Stand-in"},
             {"InstanceName", "STAND1"},
             {"IsSandbox", false},
             {"OrganizationType", "Developer Edition"}}};
  }
  if (absl::EqualsIgnoreCase(object, "User")) {
    const std::optional<User> user = call.state.FindUser(call.session.username);
    return {{{"Id", user ? user->id : ""},
             {"Username", call.session.username},
             {"IsActive", user && user->active}}};
  }
  return {};
}

// One record; `sf` reads the user name of the token's owner so.
RestAnswer UserRecord(const RestCall& call) {
  const std::string path = VersionPath(call.request);
  json record = RecordsOf("User", call).front();
  if (path.empty() || record["Id"] != call.request.matches[2].str()) return NotFound();
  record["attributes"] = {{"type", "User"}, {"url", call.request.path}};
  return {200, std::move(record)};
}

RestAnswer Columns(const SoqlSelect& select) {
  json columns = json::array();
  for (const std::string& field : select.fields) {
    columns.push_back({{"columnName", field}, {"displayName", field}, {"aggregate", false}});
  }
  return {200, {{"columnMetadata", std::move(columns)}, {"entityName", select.object}}};
}

RestAnswer Query(const RestCall& call) {
  const std::string path = VersionPath(call.request);
  if (path.empty()) return NotFound();
  const absl::StatusOr<SoqlSelect> select = ParseSoql(call.request.get_param_value("q"));
  if (!select.ok()) {
    return Failure(400, "MALFORMED_QUERY", select.status().message());
  }
  if (call.request.get_param_value("columns") == "true") return Columns(*select);
  json records = json::array();
  for (const json& known : RecordsOf(select->object, call)) {
    json record = {{"attributes", {{"type", select->object}}}};
    for (const std::string& field : select->fields) {
      record[field] = known.contains(field) ? known[field] : json(nullptr);
    }
    records.push_back(std::move(record));
  }
  return {200, {{"totalSize", records.size()}, {"done", true}, {"records", std::move(records)}}};
}

}  // namespace

void ServeRestApi(httplib::Server& server, State& state, Journal& journal) {
  const auto serve = [&](const char* pattern, const char* endpoint,
                         RestAnswer (*operation)(const RestCall&)) {
    // `sf` keeps instance URLs with a slash at their end, and puts another behind it.
    server.Get(absl::StrCat("/?", pattern), [&state, &journal, endpoint, operation](
                                                const httplib::Request& request,
                                                httplib::Response& response) {
      JournalEntry entry{.time = state.now(), .method = request.method, .endpoint = endpoint};
      const std::optional<Session> session = state.UseSession(BearerToken(request));
      RestAnswer answer;
      if (session.has_value()) {
        entry.issuer = session->consumer_key;
        entry.subject = session->username;
        answer = operation({request, *session, state});
      } else {
        answer = Failure(401, "INVALID_SESSION_ID", "Session expired or invalid");
      }
      entry.status = answer.status;
      if (answer.status >= 400) {
        entry.error = answer.body[0]["errorCode"];
        entry.description = answer.body[0]["message"];
      }
      journal.Add(std::move(entry));
      Answer(response, answer.status, answer.body);
    });
  };
  serve("/services/data/?", "/services/data", &Versions);
  serve(R"(/services/data/v(\d{2})\.0/?)", "/services/data/vNN.0", &Resources);
  serve(R"(/services/data/v(\d{2})\.0/query/?)", "/services/data/vNN.0/query", &Query);
  serve(R"(/services/data/v(\d{2})\.0/sobjects/User/(\w{18}))",
        "/services/data/vNN.0/sobjects/User/{id}", &UserRecord);
  serve("/services/oauth2/userinfo", "/services/oauth2/userinfo", &UserInfo);
  serve(R"(/id/\w{18}/\w{18})", "/id/{id}/{id}", &Identity);
}

}  // namespace keyward::standin
