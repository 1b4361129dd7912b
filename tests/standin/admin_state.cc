// /limits, /clock and /propagation.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "tests/standin/admin_parts.h"
#include "tests/standin/http.h"
#include "tests/standin/json_fields.h"

namespace keyward::standin {
namespace {

using httplib::Request;
using httplib::Response;
using nlohmann::json;

constexpr int kDay = 86400;

json LimitsToJson(const State& state) {
  const Limits limits = state.limits();
  return {{"session_seconds", absl::ToInt64Seconds(limits.session_lifetime)},
          {"logins_per_hour", limits.logins_per_hour},
          {"logins", state.login_rate().Counted(state.now())}};
}

absl::Status SetLimits(State& state, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  Limits limits = state.limits();
  auto seconds = static_cast<int>(absl::ToInt64Seconds(limits.session_lifetime));
  bool forget_logins = false;
  JsonFields reader(fields);
  reader.Read("session_seconds", seconds, 1, kDay);
  reader.Read("logins_per_hour", limits.logins_per_hour, 0, 1'000'000'000);
  reader.Read("forget_logins", forget_logins);
  RETURN_IF_ERROR(reader.Done());
  limits.session_lifetime = absl::Seconds(seconds);
  state.SetLimits(limits);
  if (forget_logins) state.login_rate().Clear();
  return absl::OkStatus();
}

json ClockToJson(const State& state) {
  return {{"time", absl::FormatTime(state.clock(), absl::UTCTimeZone())},
          {"offset_seconds", absl::ToInt64Seconds(state.limits().clock_offset)}};
}

absl::Status SetClock(State& state, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  Limits limits = state.limits();
  auto offset = static_cast<int>(absl::ToInt64Seconds(limits.clock_offset));
  int advance = 0;
  JsonFields reader(fields);
  reader.Read("offset_seconds", offset, -365 * kDay, 365 * kDay);
  reader.Read("advance_seconds", advance, 0, 30 * kDay);
  RETURN_IF_ERROR(reader.Done());
  limits.clock_offset = absl::Seconds(offset);
  state.SetLimits(limits);
  state.Advance(absl::Seconds(advance));
  return absl::OkStatus();
}

// What `server` knows of `consumer_key`.
json KnownToJson(const State& state, const std::string& consumer_key, int server) {
  const std::optional<App> app = state.propagation().Find(consumer_key, server);
  json certificate = nullptr;
  if (app.has_value() && app->certificate.has_value()) {
    const Sha256Digest digest = Sha256(app->certificate->pem);
    certificate = absl::BytesToHexString(
        absl::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
  }
  return {{"server", server}, {"exists", app.has_value()}, {"certificate_pem_sha256", certificate}};
}

json PropagationToJson(const State& state) {
  const PropagationOptions options = state.propagation().options();
  json per_server = json::array();
  for (const absl::Duration time : options.per_server) {
    per_server.push_back(absl::ToInt64Seconds(time));
  }
  json apps = json::object();
  for (const App& app : state.Apps()) {
    apps[app.consumer_key] = {
        {"name", app.settings.name}, {"servers", json::array()}, {"on_their_way", json::array()}};
    for (int server = 0; server < options.servers; ++server) {
      apps[app.consumer_key]["servers"].push_back(KnownToJson(state, app.consumer_key, server));
    }
  }
  const auto changes = state.propagation().OnTheirWay();
  for (const auto& [consumer_key, list] : changes) {
    for (const AppChange& change : list) {
      json visible = json::array();
      for (const absl::Time time : change.visible) {
        visible.push_back(absl::FormatTime(time, absl::UTCTimeZone()));
      }
      apps[consumer_key]["on_their_way"].push_back(
          {{"change", change.what}, {"visible_at", std::move(visible)}});
    }
  }
  return {{"servers", options.servers},
          {"min_seconds", absl::ToInt64Seconds(options.shortest)},
          {"max_seconds", absl::ToInt64Seconds(options.longest)},
          {"server_seconds", std::move(per_server)},
          {"routing", options.random_routing ? "random" : "round-robin"},
          {"pinned", options.pinned ? json(*options.pinned) : json(nullptr)},
          {"seed", options.seed},
          {"settled", changes.empty()},
          {"apps", std::move(apps)}};
}

absl::Status ReadRouting(JsonFields& reader, PropagationOptions& options) {
  std::string routing = options.random_routing ? "random" : "round-robin";
  reader.Read("routing", routing);
  if (routing != "random" && routing != "round-robin") {
    return BadRequest("routing must be round-robin or random");
  }
  options.random_routing = routing == "random";
  const bool has_pin = reader.Has("pinned");
  if (has_pin && reader.Any("pinned").is_null()) {
    options.pinned.reset();
  } else if (has_pin) {
    int pinned = 0;
    reader.Read("pinned", pinned, 0, options.servers - 1);
    options.pinned = pinned;
  } else {
    reader.Any("pinned");
  }
  return absl::OkStatus();
}

absl::Status SetPropagation(State& state, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  PropagationOptions options = state.propagation().options();
  auto shortest = static_cast<int>(absl::ToInt64Seconds(options.shortest));
  auto longest = static_cast<int>(absl::ToInt64Seconds(options.longest));
  std::vector<int> per_server;
  for (const absl::Duration time : options.per_server) {
    per_server.push_back(static_cast<int>(absl::ToInt64Seconds(time)));
  }
  auto seed = static_cast<int64_t>(options.seed);
  JsonFields reader(fields);
  reader.Read("servers", options.servers, 1, kMaxServers);
  reader.Read("min_seconds", shortest, 0, kDay);
  reader.Read("max_seconds", longest, 0, kDay);
  reader.Read("server_seconds", per_server, 0, kDay);
  reader.Read("seed", seed, 0, int64_t{1} << 62);
  if (options.pinned.has_value() && *options.pinned >= options.servers) options.pinned.reset();
  RETURN_IF_ERROR(ReadRouting(reader, options));
  RETURN_IF_ERROR(reader.Done());
  if (shortest > longest) return BadRequest("min_seconds must not be above max_seconds");
  options.shortest = absl::Seconds(shortest);
  options.longest = absl::Seconds(longest);
  options.per_server.clear();
  for (const int seconds : per_server) options.per_server.push_back(absl::Seconds(seconds));
  options.seed = static_cast<uint64_t>(seed);
  state.propagation().Configure(std::move(options));
  return absl::OkStatus();
}

}  // namespace

void ServeStateAdministration(httplib::Server& server, State& state) {
  server.Get("/limits", [&state](const Request&, Response& response) {
    Answer(response, 200, LimitsToJson(state));
  });
  server.Put("/limits", [&state](const Request& request, Response& response) {
    Finish(response, SetLimits(state, request.body));
  });
  server.Get("/clock", [&state](const Request&, Response& response) {
    Answer(response, 200, ClockToJson(state));
  });
  server.Put("/clock", [&state](const Request& request, Response& response) {
    Finish(response, SetClock(state, request.body));
  });
  server.Get("/propagation", [&state](const Request&, Response& response) {
    Answer(response, 200, PropagationToJson(state));
  });
  server.Put("/propagation", [&state](const Request& request, Response& response) {
    Finish(response, SetPropagation(state, request.body));
  });
  server.Post("/propagation/finish", [&state](const Request&, Response& response) {
    state.propagation().Finish();
    Finish(response, absl::OkStatus());
  });
}

}  // namespace keyward::standin
