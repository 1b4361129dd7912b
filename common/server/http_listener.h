// A small HTTP/1.1 server for GET alone, with bounds on all that a client can take.
#ifndef KEYWARD_COMMON_SERVER_HTTP_LISTENER_H_
#define KEYWARD_COMMON_SERVER_HTTP_LISTENER_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace keyward::server {

struct HttpAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
};

// https://prometheus.io/docs/instrumenting/exposition_formats/
inline constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

// What monitoring answers to any path but its two.
inline HttpAnswer NoSuchPage() {
  return {.status = 404, .content_type = "text/plain", .body = "there are /metrics and /health\n"};
}

// Answers one request a connection, on kHttpThreads threads of its own; further
// connections wait in the kernel, so that they cost the process no descriptors. A
// connection ends after a fixed time, and one that sends over 16 KiB is not read further. The
// answer to anything but GET and HEAD is 405, without reading a body. On a loopback address
// a request whose Host is another machine's is answered 403: a browser sends those for a web page
// whose name was made to lead here (DNS rebinding). Thread-safe.
inline constexpr int kHttpThreads = 4;

// What a client may take.
struct HttpTimes {
  // From the connection's turn to the end of its request, and of its answer.
  absl::Duration request = absl::Seconds(2);
  absl::Duration connection = absl::Seconds(10);
  // The same while another connection waits for its turn.
  absl::Duration crowded_request = absl::Milliseconds(250);
  absl::Duration crowded_connection = absl::Seconds(2);
};

class HttpListener {
 public:
  // What GET of `path`, without its query, answers. Called from several threads.
  using Handler = std::function<HttpAnswer(const std::string& path)>;

  // Serves on `address`: "HOST:PORT", an IPv6 address in brackets, port 0 for any
  // that is free. UNAVAILABLE where it cannot listen there.
  static absl::StatusOr<std::unique_ptr<HttpListener>> New(const std::string& address,
                                                           Handler handler,
                                                           const HttpTimes& times = {});
  // Cuts connections that wait for their client, lets answers that are being made end,
  // and ends the threads.
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // With the port that was really bound.
  const std::string& address() const { return address_; }

 private:
  class Server;

  HttpListener(std::unique_ptr<Server> server, std::string address);

  void Run();

  const std::unique_ptr<Server> server_;
  const std::string address_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_HTTP_LISTENER_H_
