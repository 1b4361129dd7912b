#include "tests/standin/http.h"

#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tests/standin/connection.h"

namespace keyward::standin {
namespace {

using nlohmann::json;
using Verdict = httplib::Server::HandlerResponse;

// A thread serves one connection for as long as it is kept open, so there are
// more than the usual eight.
constexpr size_t kThreads = 64;

json ErrorBody(ErrorShape shape, const char* code, const char* text) {
  if (shape == ErrorShape::kAdministration) return {{"error", code}, {"message", text}};
  return json::array({{{"errorCode", code}, {"message", text}}});
}

Verdict RefuseUnboundedBody(ErrorShape shape, const httplib::Request& request,
                            httplib::Response& response) {
  const bool chunked = request.has_header("Transfer-Encoding");
  if (!chunked && !request.has_header("Content-Encoding")) return Verdict::Unhandled;
  response.set_header("Connection", "close");
  const char* text = chunked ? "send a Content-Length" : "send the body without Content-Encoding";
  Answer(response, chunked ? 411 : 415,
         shape == ErrorShape::kAdministration
             ? ErrorBody(shape, "BAD_REQUEST", text)
             : json{{"error", "invalid_request"}, {"error_description", text}});
  return Verdict::Handled;
}

void FillEmptyError(ErrorShape shape, httplib::Response& response) {
  // A content provider's body is not in `body`.
  if (!response.body.empty() || response.has_header("Content-Type")) return;
  const char* text = response.status == 404   ? "The requested resource does not exist"
                     : response.status == 413 ? "The request is too large"
                                              : "The request could not be read";
  const char* code = response.status == 404 ? "NOT_FOUND" : "BAD_REQUEST";
  Answer(response, response.status, ErrorBody(shape, code, text));
}

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == ':' ||
         c == '[' || c == ']';
}

}  // namespace

void Configure(httplib::Server& server, ErrorShape shape, int keep_alive_seconds) {
  server.set_payload_max_length(kMaxBodyBytes);
  server.set_keep_alive_max_count(1000);
  // Also the longest that stopping waits for an idle connection.
  server.set_keep_alive_timeout(keep_alive_seconds);
  server.set_read_timeout(5);
  server.set_write_timeout(5);
  server.set_tcp_nodelay(true);
  server.new_task_queue = [] { return NewConnectionThreads(kThreads); };
  // cpp-httplib's own options include SO_REUSEPORT, with which a second
  // stand-in would share the port of the first unnoticed.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  server.set_pre_routing_handler(
      [shape](const httplib::Request& request, httplib::Response& response) {
        return RefuseUnboundedBody(shape, request, response);
      });
  server.set_error_handler(
      httplib::Server::Handler([shape](const httplib::Request&, httplib::Response& response) {
        FillEmptyError(shape, response);
      }));
  server.set_exception_handler(
      [shape](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
        Answer(response, 500,
               shape == ErrorShape::kAdministration
                   ? ErrorBody(shape, "INTERNAL", "the request failed")
                   : json{{"error", "unknown_error"}, {"error_description", "retry your request"}});
      });
}

void Answer(httplib::Response& response, int status, const nlohmann::json& body) {
  response.status = status;
  response.set_content(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                       "application/json;charset=UTF-8");
}

std::string OriginOf(const httplib::Request& request) {
  const std::string host = request.get_header_value("Host");
  if (!host.empty() && host.size() <= 255 &&
      std::all_of(host.begin(), host.end(), &IsHostCharacter)) {
    return absl::StrCat("https://", host);
  }
  return absl::StrCat("https://", request.local_addr, ":", request.local_port);
}

}  // namespace keyward::standin
