// /refusals, /faults and /journal.

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
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

json RefusalsToJson(const OrderedRefusals& refusals) {
  json words = json::array();
  for (const RefusalRow& row : AllRefusals()) {
    words.push_back({{"word", row.word},
                     {"status", row.status},
                     {"error", row.error},
                     {"error_description", row.description},
                     {"cause", row.cause}});
  }
  json ordered = json::array();
  for (const OrderedRefusal& order : refusals.Orders()) {
    ordered.push_back({{"id", order.id},
                       {"consumer_key", order.consumer_key},
                       {"username", order.username},
                       {"count", order.remaining},
                       {"status", order.refusal.status},
                       {"error", order.refusal.error},
                       {"error_description", order.refusal.description}});
  }
  return {{"words", std::move(words)}, {"ordered", std::move(ordered)}};
}

absl::StatusOr<json> Order(OrderedRefusals& refusals, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  OrderedRefusal order;
  std::string word;
  Refusal& refusal = order.refusal;
  JsonFields reader(fields);
  reader.Read("word", word);
  const std::optional<RefusalRow> row = FindRefusal(word);
  if (row.has_value()) refusal = *row;
  reader.Read("consumer_key", order.consumer_key);
  reader.Read("username", order.username);
  reader.Read("count", order.remaining, 0, 1'000'000);
  reader.Read("status", refusal.status, 400, 599);
  reader.Read("error", refusal.error);
  reader.Read("error_description", refusal.description);
  RETURN_IF_ERROR(reader.Done());
  if (!row.has_value() && (reader.Has("word") || !reader.Has("error"))) {
    return BadRequest("send word, one of GET /refusals, or error and error_description");
  }
  return json{{"id", refusals.Add(std::move(order))}};
}

absl::StatusOr<json> AddFault(Faults& faults, const std::string& body) {
  ASSIGN_OR_RETURN(const json fields, ParseJson(body));
  ASSIGN_OR_RETURN(Fault fault, ParseFault(fields));
  return json{{"id", faults.Add(std::move(fault))}};
}

absl::StatusOr<json> FilteredJournal(const Journal& journal, const httplib::Params& query) {
  JournalFilter filter;
  for (const auto& [name, value] : query) {
    int64_t number = 0;
    const bool is_number = absl::SimpleAtoi(value, &number) && number >= 0;
    if (name == "endpoint") {
      filter.endpoint = value;
    } else if (name == "iss") {
      filter.issuer = value;
    } else if (name == "sub") {
      filter.subject = value;
    } else if (name == "outcome") {
      filter.outcome = value;
    } else if (name == "server" && is_number) {
      filter.server = number;
    } else if (name == "after" && is_number) {
      filter.after_sequence = number;
    } else if (name == "limit" && is_number) {
      filter.limit = static_cast<size_t>(number);
    } else {
      return BadRequest(
          "filter by endpoint, iss, sub, outcome, or the numbers server, after and limit");
    }
  }
  json list = json::array();
  for (const JournalEntry& entry : journal.Entries(filter)) list.push_back(ToJson(entry));
  return list;
}

}  // namespace

void ServeTroubleAdministration(httplib::Server& server, OrderedRefusals& refusals,
                                Faults& faults) {
  server.Get("/refusals", [&refusals](const Request&, Response& response) {
    Answer(response, 200, RefusalsToJson(refusals));
  });
  server.Post("/refusals", [&refusals](const Request& request, Response& response) {
    Finish(response, 201, Order(refusals, request.body));
  });
  server.Delete("/refusals", [&refusals](const Request&, Response& response) {
    refusals.Clear();
    Finish(response, absl::OkStatus());
  });
  server.Get("/faults", [&faults](const Request&, Response& response) {
    json list = json::array();
    for (const Fault& fault : faults.Ordered()) list.push_back(ToJson(fault));
    Answer(response, 200, list);
  });
  server.Post("/faults", [&faults](const Request& request, Response& response) {
    Finish(response, 201, AddFault(faults, request.body));
  });
  server.Delete("/faults", [&faults](const Request&, Response& response) {
    faults.Clear();
    Finish(response, absl::OkStatus());
  });
}

void ServeJournalAdministration(httplib::Server& server, Journal& journal) {
  server.Get("/journal", [&journal](const Request& request, Response& response) {
    Finish(response, 200, FilteredJournal(journal, request.params));
  });
  server.Get("/journal/summary", [&journal](const Request&, Response& response) {
    json summary = journal.Summary();
    if (summary.is_null()) summary = json::object();
    Answer(response, 200, summary);
  });
  server.Delete("/journal", [&journal](const Request&, Response& response) {
    journal.Clear();
    Finish(response, absl::OkStatus());
  });
}

}  // namespace keyward::standin
