// Mutual TLS whose certificate, key and client CA may be replaced while it is served.
#ifndef KEYWARD_COMMON_SERVER_TLS_CREDENTIALS_H_
#define KEYWARD_COMMON_SERVER_TLS_CREDENTIALS_H_

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/server/client_verifier.h"
#include "common/server/tls_files.h"
#include "common/server/tls_watch.h"

namespace keyward::server {

// For grpc::ServerBuilder::AddListeningPort() and Acceptor::AddTo(). TLS 1.2 or newer with HTTP/2
// (RFC 9113 section 9.2); a client must have a certificate that an authority in the client CA file
// issued.
//
// In every `interval` the files are read again, as TlsWatch::Poll() says. A new set is what
// handshakes use from then on; connections that exist go on, and whether their clients may still
// call is for client_verifiers() to say.
//
// Must outlive the grpc::Server. Thread-safe.
class ReloadingTlsCredentials final : public grpc::ServerCredentials {
 public:
  // Told of each set of changed files, once it is in use or refused, on the thread that reads them:
  // the next reading waits for it. Called no more once the credentials are destroyed.
  using Tell = std::function<void(const TlsReload&)>;

  // Errors: those of ReadTlsFiles().
  static absl::StatusOr<std::shared_ptr<ReloadingTlsCredentials>> New(
      TlsFiles files, absl::Duration interval = absl::Seconds(1), Tell tell = nullptr);
  ~ReloadingTlsCredentials() override;
  ReloadingTlsCredentials(const ReloadingTlsCredentials&) = delete;
  ReloadingTlsCredentials& operator=(const ReloadingTlsCredentials&) = delete;

  // The set in use.
  std::shared_ptr<const TlsSet> set() const;
  // The last moment at which the certificate in use is valid.
  absl::Time not_after() const { return set()->not_after; }
  // The first moment at which a CRL in use ends; infinite future where there is none.
  absl::Time client_crl_end() const { return set()->client_crl_end; }

  // What says whether a client's certificate is good by the set in use. Lives as long as this.
  const ClientVerifiers& client_verifiers() const { return verifiers_; }

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

  ReloadingTlsCredentials(TlsFiles files, absl::Duration interval, Tell tell,
                          std::shared_ptr<const TlsSet> set,
                          std::shared_ptr<const ClientVerifier> verifier);

  int AddPortToServer(const std::string& address, grpc_server* server) override;
  int AddSocket(const std::string& address, grpc_server* server);
  // gRPC asks it before each handshake; `port` is a Port.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* port, grpc_ssl_server_certificate_config** config);

  void Run();
  absl::Status Use(const std::shared_ptr<const TlsSet>& set);

  const absl::Duration interval_;
  const Tell tell_;
  ClientVerifiers verifiers_;
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
