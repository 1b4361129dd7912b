// Mutual TLS whose certificate, key and client CA may be replaced while it is served.
#ifndef KEYWARD_COMMON_SERVER_TLS_CREDENTIALS_H_
#define KEYWARD_COMMON_SERVER_TLS_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/server/tls_files.h"
#include "common/server/tls_watch.h"

namespace keyward::server {

// For grpc::ServerBuilder::AddListeningPort(). TLS 1.2 or newer with HTTP/2 (RFC 9113 section
// 9.2); a client must have a certificate that an authority in the client CA file issued.
//
// In every `interval` the files are read again, as TlsWatch::Poll() says. A new set is what
// handshakes use from then on; connections that exist go on as they are.
//
// Must outlive the grpc::Server. Thread-safe.
class ReloadingTlsCredentials final : public grpc::ServerCredentials {
 public:
  // Errors: those of ReadTlsFiles().
  static absl::StatusOr<std::shared_ptr<ReloadingTlsCredentials>> New(
      TlsFiles files, absl::Duration interval = absl::Seconds(1));
  ~ReloadingTlsCredentials() override;
  ReloadingTlsCredentials(const ReloadingTlsCredentials&) = delete;
  ReloadingTlsCredentials& operator=(const ReloadingTlsCredentials&) = delete;

  // The last moment at which the certificate in use is valid.
  absl::Time not_after() const;

  // Must not be called: nothing of ours needs a processor, and one that were ignored would be
  // a check that is not made.
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& processor) override;

 private:
  // One listening socket.
  struct Port {
    ReloadingTlsCredentials* credentials = nullptr;
    // Of the set that gRPC has for it.
    int64_t generation = 0;
  };

  ReloadingTlsCredentials(TlsFiles files, absl::Duration interval,
                          std::shared_ptr<const TlsSet> set);

  int AddPortToServer(const std::string& address, grpc_server* server) override;
  int AddSocket(const std::string& address, grpc_server* server);
  // gRPC asks it before each handshake; `port` is a Port.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* port, grpc_ssl_server_certificate_config** config);

  void Run();

  const absl::Duration interval_;
  mutable Mutex mutex_;
  std::shared_ptr<const TlsSet> set_ ABSL_GUARDED_BY(mutex_);
  // Counts the sets that were taken up.
  int64_t generation_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<std::unique_ptr<Port>> ports_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Used by the thread alone.
  TlsWatch watch_;
  std::thread thread_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_TLS_CREDENTIALS_H_
