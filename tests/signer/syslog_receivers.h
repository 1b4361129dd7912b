// Who takes audit records in a test: real sockets, and a real TLS server.
#ifndef KEYWARD_TESTS_SIGNER_SYSLOG_RECEIVERS_H_
#define KEYWARD_TESTS_SIGNER_SYSLOG_RECEIVERS_H_

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/openssl.h"
#include "common/unique_fd.h"

namespace keyward::signer {

// A Unix socket for datagrams that nobody reads but the test. Aborts the test where it
// cannot be made.
class DatagramReceiver {
 public:
  explicit DatagramReceiver(std::string path);
  ~DatagramReceiver();

  // The next datagram, or nothing in `patience`. Of one that is empty and brings a file
  // descriptor, what is in that.
  std::optional<std::string> Next(absl::Duration patience = absl::Seconds(30));

  // Whether the last came in a file descriptor, and which seals that had.
  int seals() const { return seals_; }

 private:
  const std::string path_;
  const UniqueFd fd_;
  int seals_ = 0;
};

// Serves TLS on 127.0.0.1, one connection at a time, and keeps what it gets.
class TlsReceiver {
 public:
  struct Options {
    // PEM files.
    std::string certificate;
    std::string private_key;
    // Where set, clients must have a certificate from it.
    std::string client_ca;
    int max_version = TLS1_3_VERSION;
    // 0 for any that is free.
    int port = 0;
    // Takes connections, makes the handshake and reads nothing more.
    bool hangs = false;
  };

  explicit TlsReceiver(Options options);
  // Ends the connection too.
  ~TlsReceiver();

  int port() const { return port_; }
  std::string address() const;

  // All bytes so far, of all connections; returns as soon as they hold `text`, or after
  // `patience`.
  std::string Await(absl::string_view text, absl::Duration patience = absl::Seconds(30)) const;
  // "CN=backend" of the last client with a certificate.
  std::string client() const;

 private:
  void Run();
  void Serve(int fd);

  const Options options_;
  std::unique_ptr<SSL_CTX, OpensslDeleter<&SSL_CTX_free>> context_;
  std::unique_ptr<UniqueFd> listener_;
  int port_ = 0;
  UniqueFd stop_;

  mutable Mutex mutex_;
  std::string received_ ABSL_GUARDED_BY(mutex_);
  std::string client_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// The messages of RFC 5425 section 4.3 in `bytes`: "3 abc2 de" is {"abc", "de"}. What is
// not one to its end is the last of them.
std::vector<std::string> SplitOctetCounted(absl::string_view bytes);

}  // namespace keyward::signer

#endif  // KEYWARD_TESTS_SIGNER_SYSLOG_RECEIVERS_H_
