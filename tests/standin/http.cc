#include "tests/standin/http.h"

#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace keyward::standin {
namespace {

using Verdict = httplib::Server::HandlerResponse;

// A thread serves one connection for as long as it is kept open, so there are
// more than the usual eight.
constexpr size_t kThreads = 64;

Verdict RefuseUnboundedBody(const httplib::Request& request, httplib::Response& response) {
  const bool chunked = request.has_header("Transfer-Encoding");
  if (!chunked && !request.has_header("Content-Encoding")) return Verdict::Unhandled;
  response.set_header("Connection", "close");
  Answer(response, chunked ? 411 : 415,
         {{"error", "invalid_request"},
          {"error_description",
           chunked ? "send a Content-Length" : "send the body without Content-Encoding"}});
  return Verdict::Handled;
}

void FillEmptyError(const httplib::Request& /*request*/, httplib::Response& response) {
  if (!response.body.empty()) return;
  const char* text = response.status == 404   ? "The requested resource does not exist"
                     : response.status == 413 ? "The request is too large"
                                              : "The request could not be read";
  const char* code = response.status == 404 ? "NOT_FOUND" : "BAD_REQUEST";
  Answer(response, response.status,
         nlohmann::json::array({{{"errorCode", code}, {"message", text}}}));
}

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == ':' ||
         c == '[' || c == ']';
}

}  // namespace

void Configure(httplib::Server& server) {
  server.set_payload_max_length(kMaxBodyBytes);
  server.set_keep_alive_max_count(1000);
  // Also the longest that stopping waits for an idle connection.
  server.set_keep_alive_timeout(1);
  server.set_read_timeout(5);
  server.set_write_timeout(5);
  server.set_tcp_nodelay(true);
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  // cpp-httplib's own options include SO_REUSEPORT, with which a second
  // stand-in would share the port of the first unnoticed.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  server.set_pre_routing_handler(&RefuseUnboundedBody);
  server.set_error_handler(httplib::Server::Handler(&FillEmptyError));
  server.set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
        Answer(response, 500,
               {{"error", "unknown_error"}, {"error_description", "retry your request"}});
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
