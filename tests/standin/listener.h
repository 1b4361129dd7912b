// One HTTP server, bound to a port of 127.0.0.1 and served by a thread.
#ifndef KEYWARD_TESTS_STANDIN_LISTENER_H_
#define KEYWARD_TESTS_STANDIN_LISTENER_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "tests/standin/http.h"

namespace keyward::standin {

// A server for HTTPS with TLS 1.2 or newer. INVALID_ARGUMENT names the file
// that is not a PEM certificate chain or not its private key.
absl::StatusOr<std::unique_ptr<httplib::Server>> NewHttpsServer(const std::string& certificate_file,
                                                                const std::string& key_file);

class Listener {
 public:
  // Binds `server`, with all its handlers, to `port` (0 for any free one) and
  // serves. UNAVAILABLE when the port cannot be had.
  static absl::StatusOr<std::unique_ptr<Listener>> New(std::unique_ptr<httplib::Server> server,
                                                       int port, ErrorShape shape,
                                                       int keep_alive_seconds);
  // Lets requests that run finish and stops.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int port() const { return port_; }

 private:
  Listener(std::unique_ptr<httplib::Server> server, int port);

  const std::unique_ptr<httplib::Server> server_;
  const int port_;
  std::thread thread_;
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_LISTENER_H_
