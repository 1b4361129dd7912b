#include "tests/standin/endpoint.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/standin/connection.h"
#include "tests/standin/http.h"

namespace keyward::standin {
namespace {

constexpr char kJson[] = "application/json;charset=UTF-8";

// The body's first half under the length of the whole; then the connection ends.
void Truncate(httplib::Response& response) {
  const std::string body = response.body.empty() ? "{\"access_token\":\"" : response.body;
  response.body.clear();
  response.set_content_provider(body.size() + 1, kJson,
                                [body](size_t offset, size_t /*length*/, httplib::DataSink& sink) {
                                  const size_t half = body.size() / 2;
                                  if (offset >= half) return false;
                                  return sink.write(body.data() + offset, half - offset);
                                });
}

void AnswerFault(const Fault& fault, const char* usual_body, httplib::Response& response) {
  response.status = fault.status;
  response.headers.erase("Cache-Control");
  response.set_content(fault.body.empty() ? usual_body : fault.body,
                       fault.content_type.empty() ? kJson : fault.content_type.c_str());
  if (!fault.retry_after.empty()) response.set_header("Retry-After", fault.retry_after);
}

// What `fault` makes of the answer.
void Spoil(const Fault& fault, const httplib::Request& request, httplib::Response& response) {
  if (fault.kind == "reset") {
    ResetConnection(request);
  } else if (fault.kind == "truncate") {
    Truncate(response);
  } else if (fault.kind == "content_type") {
    response.set_content(std::string(response.body), fault.content_type.c_str());
  } else if (fault.kind == "malformed") {
    AnswerFault(fault, "{\"access_token\":\"00D", response);
  } else if (fault.kind == "oversize") {
    AnswerFault(fault, "", response);
    constexpr absl::string_view kStart = "{\"access_token\":\"";
    const auto bytes = std::max<size_t>(static_cast<size_t>(fault.bytes), kStart.size() + 2);
    response.body = absl::StrCat(kStart, std::string(bytes - kStart.size() - 2, 'x'), "\"}");
  } else if (fault.kind == "redirect") {
    AnswerFault(fault, "{}", response);
    response.set_header("Location", fault.location);
  } else if (fault.kind == "status") {
    AnswerFault(fault, R"({"error":"unknown_error","error_description":"retry your request"})",
                response);
  }
}

JournalEntry NewEntry(const Parts& parts, const char* endpoint, const httplib::Request& request) {
  JournalEntry entry{.time = parts.state.now(), .method = request.method, .endpoint = endpoint};
  entry.server = parts.state.propagation().NextServer();
  entry.remote_port = request.remote_port;
  entry.connection = ConnectionNumber();
  entry.request_on_connection = CountRequest();
  entry.tls_resumed = TlsResumed(request);
  entry.user_agent = request.get_header_value("User-Agent");
  return entry;
}

}  // namespace

httplib::Server::Handler Endpoint(const Parts& parts, const char* endpoint, Operation operation) {
  return [parts, endpoint, operation = std::move(operation)](const httplib::Request& request,
                                                             httplib::Response& response) {
    JournalEntry entry = NewEntry(parts, endpoint, request);
    const std::optional<Fault> fault = parts.faults.Take(endpoint);
    if (fault.has_value()) parts.faults.Wait(fault->latency);
    if (!fault.has_value() || fault->processed) operation(request, response, entry);
    // Latency alone changes nothing of the answer.
    const bool spoils = fault.has_value() && fault->kind != "latency";
    entry.status =
        spoils && !(fault->processed && fault->status == 200) ? fault->status : response.status;
    if (spoils) entry.fault = fault->kind;
    if (spoils && fault->kind == "reset") entry.status = 0;
    // Before the client can know of the answer, and a test ask for it.
    parts.journal.Add(std::move(entry));
    if (spoils) Spoil(*fault, request, response);
  };
}

std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

}  // namespace keyward::standin
