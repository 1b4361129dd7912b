// Connections that stay and say little.
#ifndef KEYWARD_TESTS_TESTING_HOSTILE_CONNECTIONS_H_
#define KEYWARD_TESTS_TESTING_HOSTILE_CONNECTIONS_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/unique_fd.h"

namespace keyward::testing {

// Each is held open until this dies. Not thread-safe.
class HostileConnections {
 public:
  // From `source`, an address of the loopback network, to "127.0.0.1:PORT", with a client's
  // certificate and key (PEM files).
  HostileConnections(const std::string& address, const std::string& certificate,
                     const std::string& private_key, std::string source = "127.0.0.1");
  HostileConnections(const HostileConnections&) = delete;
  HostileConnections& operator=(const HostileConnections&) = delete;

  // Connects and sends nothing.
  absl::Status OpenSilent();
  // TLS to its end, and then nothing.
  absl::Status OpenIdle();
  // HTTP/2 with `streams` calls of Sign, each of which promises a message and sends a
  // byte of it.
  absl::Status OpenSlow(int streams);

  // Sends one byte more of each message of each OpenSlow(). A connection that the server
  // has ended is dropped.
  void Dribble();

  size_t size() const { return connections_.size(); }

 private:
  struct SslDeleter {
    void operator()(SSL* tls) const { SSL_free(tls); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  using SslPtr = std::unique_ptr<SSL, SslDeleter>;

  struct Connection {
    UniqueFd fd;
    // Null where there is no TLS yet.
    SslPtr tls;
    int streams = 0;
  };

  absl::StatusOr<UniqueFd> Connect() const;
  absl::StatusOr<SslPtr> Handshake(int fd) const;

  int port_ = 0;
  const std::string source_;
  const std::unique_ptr<SSL_CTX, SslDeleter> context_;
  std::vector<Connection> connections_;
};

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_TESTING_HOSTILE_CONNECTIONS_H_
