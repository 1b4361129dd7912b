#include "signer/audit/tls_transport.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/pem.h"
#include "common/secret.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"
#include "signer/audit/socket_wait.h"
#include "signer/audit/syslog_message.h"

namespace keyward::signer {
namespace {

using SslCtxPtr = std::unique_ptr<SSL_CTX, OpensslDeleter<&SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, OpensslDeleter<&SSL_free>>;

// The longest record of TLS; more would only be split again.
constexpr size_t kRecordBytes = 16384;

// How long bytes may stay unacknowledged before the connection counts as dead.
constexpr unsigned kUnansweredMilliseconds = 10000;

struct HostAndPort {
  std::string host;
  std::string port;
};

HostAndPort Split(absl::string_view address) {
  const size_t colon = address.rfind(':');
  absl::string_view host = address.substr(0, colon);
  if (!host.empty() && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(address.substr(colon + 1))};
}

void SetTimeouts(int fd) {
  const int on = 1;
  const int idle_seconds = 10;
  const int interval_seconds = 5;
  const int probes = 3;
  // Best effort, all of them: without them a peer that vanished is noticed later.
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof(idle_seconds));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof(interval_seconds));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnansweredMilliseconds,
             sizeof(kUnansweredMilliseconds));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

absl::StatusOr<UniqueFd> ConnectTo(const addrinfo& info, absl::Time deadline) {
  UniqueFd fd(socket(info.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, "socket");
  SetTimeouts(fd.get());
  if (connect(fd.get(), info.ai_addr, info.ai_addrlen) == 0) return fd;
  if (errno != EINPROGRESS) return absl::ErrnoToStatus(errno, "cannot connect");
  RETURN_IF_ERROR(AwaitSocket(fd.get(), POLLOUT, deadline));
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return absl::ErrnoToStatus(error, "cannot connect");
  return fd;
}

absl::StatusOr<UniqueFd> ConnectTcp(const HostAndPort& to, absl::Time deadline) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot look the host up: ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, OpensslDeleter<&freeaddrinfo>> all(found);
  absl::Status last = absl::UnavailableError("the host has no address");
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    absl::StatusOr<UniqueFd> fd = ConnectTo(*info, deadline);
    if (fd.ok()) return fd;
    last = fd.status();
  }
  return last;
}

absl::Status TrustOnly(const std::string& ca_file, SSL_CTX* context) {
  ASSIGN_OR_RETURN(const std::string pem, ReadFile(ca_file));
  ASSIGN_OR_RETURN(const std::vector<X509Ptr> authorities, ParsePemCertificates(pem));
  for (const X509Ptr& authority : authorities) {
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1) {
      return OpensslError("cannot trust a certificate of the ca");
    }
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return absl::OkStatus();
}

absl::Status UseCertificate(const TlsTransportOptions& options, SSL_CTX* context) {
  if (options.certificate.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Secret pem, ReadSecretFile(options.private_key));
  ASSIGN_OR_RETURN(const EvpPkeyPtr key, ParsePemPrivateKey(pem.Expose()));
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return OpensslError("cannot use the certificate and its key");
  }
  return absl::OkStatus();
}

absl::StatusOr<SslCtxPtr> NewContext(const TlsTransportOptions& options) {
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return OpensslError("cannot make a TLS context");
  }
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  RETURN_IF_ERROR(TrustOnly(options.ca, context.get()));
  RETURN_IF_ERROR(UseCertificate(options, context.get()));
  return context;
}

// RFC 5425 section 5.2: the certificate is for the name, or the address, that we were told.
absl::Status ExpectHost(const std::string& host, SSL* ssl) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1) return absl::OkStatus();
  ForgetOpensslErrors();
  if (X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1 &&
      SSL_set_tlsext_host_name(ssl, host.c_str()) == 1) {
    return absl::OkStatus();
  }
  return OpensslError("cannot use the host's name");
}

class TlsSyslog final : public AuditTransport {
 public:
  TlsSyslog(UniqueFd fd, SslPtr ssl)
      : fd_(std::move(fd)), ssl_(std::move(ssl)), source_(SyslogSource::Local()) {}

  absl::Status Handshake(absl::Time deadline) {
    for (;;) {
      ForgetOpensslErrors();
      const int result = SSL_connect(ssl_.get());
      if (result == 1) return absl::OkStatus();
      RETURN_IF_ERROR(Await(result, deadline));
    }
  }

  absl::Status Send(absl::string_view line, absl::Time deadline) override {
    absl::StrAppend(&pending_, OctetCounted(SyslogMessage(line, source_)));
    return pending_.size() < kRecordBytes ? absl::OkStatus() : Flush(deadline);
  }

  absl::Status Flush(absl::Time deadline) override {
    absl::string_view rest = pending_;
    while (!rest.empty()) {
      ForgetOpensslErrors();
      size_t written = 0;
      const int result = SSL_write_ex(ssl_.get(), rest.data(), rest.size(), &written);
      if (result == 1) {
        rest.remove_prefix(written);
      } else {
        RETURN_IF_ERROR(Await(result, deadline));
      }
    }
    pending_.clear();
    return absl::OkStatus();
  }

  // Reads, so that the end of the connection and an alert are seen; a syslog server has
  // nothing to say (RFC 5425 section 4.2), and what it says all the same is passed over.
  absl::Status CheckAlive() override {
    std::array<char, 256> ignored;
    for (;;) {
      ForgetOpensslErrors();
      size_t count = 0;
      const int result = SSL_read_ex(ssl_.get(), ignored.data(), ignored.size(), &count);
      if (result == 1) continue;
      const int error = SSL_get_error(ssl_.get(), result);
      if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return absl::OkStatus();
      return Failure(error);
    }
  }

 private:
  // Until the socket is ready for what OpenSSL wants, or why that is no use.
  absl::Status Await(int result, absl::Time deadline) {
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ) return AwaitSocket(fd_.get(), POLLIN, deadline);
    if (error == SSL_ERROR_WANT_WRITE) return AwaitSocket(fd_.get(), POLLOUT, deadline);
    return Failure(error);
  }

  absl::Status Failure(int error) {
    const int system_error = errno;
    if (const long verdict = SSL_get_verify_result(ssl_.get()); verdict != X509_V_OK) {
      ForgetOpensslErrors();
      return absl::UnavailableError(
          absl::StrCat("its certificate is refused: ", X509_verify_cert_error_string(verdict)));
    }
    if (error == SSL_ERROR_ZERO_RETURN) return absl::UnavailableError("it has hung up");
    if (ERR_peek_last_error() == 0 && error == SSL_ERROR_SYSCALL) {
      return absl::UnavailableError(
          absl::StrCat("the connection broke: ", absl::ErrnoToStatus(system_error, "").message()));
    }
    return absl::UnavailableError(OpensslError("TLS").message());
  }

  const UniqueFd fd_;
  const SslPtr ssl_;
  const SyslogSource source_;
  std::string pending_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AuditTransport>> ConnectTlsSyslog(const TlsTransportOptions& options,
                                                                 absl::Time deadline) {
  const HostAndPort to = Split(options.address);
  ASSIGN_OR_RETURN(const SslCtxPtr context, NewContext(options));
  ASSIGN_OR_RETURN(UniqueFd fd, ConnectTcp(to, deadline));
  SslPtr ssl(SSL_new(context.get()));
  if (ssl == nullptr || SSL_set_fd(ssl.get(), fd.get()) != 1) return OpensslError("TLS");
  RETURN_IF_ERROR(ExpectHost(to.host, ssl.get()));
  auto transport = std::make_unique<TlsSyslog>(std::move(fd), std::move(ssl));
  RETURN_IF_ERROR(transport->Handshake(deadline));
  return transport;
}

}  // namespace keyward::signer
