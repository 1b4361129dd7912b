#include "tests/standin/rest_api.h"

#include <httplib.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/standin/http.h"
#include "tests/standin/rest_call.h"
#include "tests/standin/soql.h"

namespace keyward::standin {
namespace {

using nlohmann::json;

// What jsforce asks for by default.
constexpr int kOldestVersion = 50;
constexpr int kNewestVersion = 66;

// Three releases a year: 50 is Winter '21, 51 Spring '21.
std::string ReleaseName(int version) {
  constexpr absl::string_view kSeasons[] = {"Spring", "Summer", "Winter"};
  return absl::StrFormat("%s '%d", kSeasons[version % 3], 21 + (version - 50) / 3);
}

json Versions() {
  json versions = json::array();
  for (int version = kOldestVersion; version <= kNewestVersion; ++version) {
    versions.push_back({{"label", ReleaseName(version)},
                        {"url", absl::StrCat("/services/data/v", version, ".0")},
                        {"version", absl::StrCat(version, ".0")}});
  }
  return versions;
}

RestAnswer VersionsOf(const RestCall& /*call*/) { return {200, Versions()}; }

// The path of the version that was asked for, "" when that is not served.
std::string VersionPath(const httplib::Request& request) {
  const std::string number = request.matches[1];
  int version = 0;
  const bool served =
      absl::SimpleAtoi(number, &version) && version >= kOldestVersion && version <= kNewestVersion;
  return served ? absl::StrCat("/services/data/v", version, ".0") : "";
}

RestAnswer Resources(const RestCall& call) {
  const std::string path = VersionPath(call.request);
  if (path.empty()) return RestNotFound();
  return {200,
          {{"query", absl::StrCat(path, "/query")},
           {"sobjects", absl::StrCat(path, "/sobjects")},
           {"limits", absl::StrCat(path, "/limits")},
           {"identity", absl::StrCat(OriginOf(call.request), IdentityPath(call))}}};
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
             {"Name", call.session.username},
             {"Email", call.session.username},
             {"IsActive", user && user->active}}};
  }
  return {};
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
  if (path.empty()) return RestNotFound();
  const absl::StatusOr<SoqlSelect> select = ParseSoql(call.request.get_param_value("q"));
  if (!select.ok()) {
    return RestFailure(400, "MALFORMED_QUERY", select.status().message());
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

RestAnswer ApiLimits(const RestCall& call) {
  if (VersionPath(call.request).empty()) return RestNotFound();
  return {200, {{"DailyApiRequests", {{"Max", 15000}, {"Remaining", 14999}}}}};
}

json Description(const std::string& object, const std::string& path) {
  const std::string own = absl::StrCat(path, "/sobjects/", object);
  return {{"name", object},
          {"label", object},
          {"keyPrefix", object == "User" ? "005" : "00D"},
          {"queryable", true},
          {"urls", {{"sobject", own}, {"describe", own + "/describe"}}}};
}

RestAnswer Objects(const RestCall& call) {
  const std::string path = VersionPath(call.request);
  if (path.empty()) return RestNotFound();
  return {200,
          {{"encoding", "UTF-8"},
           {"maxBatchSize", 200},
           {"sobjects", {Description("Organization", path), Description("User", path)}}}};
}

RestAnswer Describe(const RestCall& call) {
  const std::string path = VersionPath(call.request);
  const std::string object = call.request.matches[2];
  const std::vector<json> records = RecordsOf(object, call);
  if (path.empty() || records.empty()) return RestNotFound();
  json description = Description(object, path);
  description["fields"] = json::array();
  for (const auto& [name, value] : records[0].items()) {
    const char* type = name == "Id" ? "id" : value.is_boolean() ? "boolean" : "string";
    description["fields"].push_back({{"name", name}, {"label", name}, {"type", type}});
  }
  return {200, std::move(description)};
}

RestAnswer Record(const RestCall& call) {
  const std::string path = VersionPath(call.request);
  const std::string object = call.request.matches[2];
  const std::string id = call.request.matches[3];
  for (json record : RecordsOf(object, call)) {
    if (path.empty() || record["Id"] != id) continue;
    record["attributes"] = {{"type", object},
                            {"url", absl::StrCat(path, "/sobjects/", object, "/", id)}};
    return {200, std::move(record)};
  }
  return RestNotFound();
}

}  // namespace

void ServeRestApi(httplib::Server& server, const Parts& parts) {
  const Operation with_token = Authenticated(parts, &VersionsOf, /*needs_api=*/true);
  // `sf` keeps instance URLs with a slash at their end, and puts another behind it.
  server.Get("/?/services/data/?",
             Endpoint(parts, "/services/data",
                      [with_token](const httplib::Request& request, httplib::Response& response,
                                   JournalEntry& entry) {
                        if (request.has_header("Authorization")) {
                          with_token(request, response, entry);
                        } else {
                          Answer(response, 200, Versions());
                        }
                      }));
  const auto serve = [&](const std::string& rest, const char* endpoint, RestOperation operation) {
    server.Get(R"(/?/services/data/v(\d{2})\.0)" + rest + "/?",
               Endpoint(parts, endpoint, Authenticated(parts, operation, /*needs_api=*/true)));
  };
  serve("", "/services/data/vNN.0", &Resources);
  serve("/query", "/services/data/vNN.0/query", &Query);
  serve("/limits", "/services/data/vNN.0/limits", &ApiLimits);
  serve("/sobjects", "/services/data/vNN.0/sobjects", &Objects);
  serve(R"(/sobjects/(\w+)/describe)", "/services/data/vNN.0/sobjects/{object}/describe",
        &Describe);
  serve(R"(/sobjects/(\w+)/(\w{18}))", "/services/data/vNN.0/sobjects/{object}/{id}", &Record);
}

}  // namespace keyward::standin
