#include "tests/testing/hostile_connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/status_macros.h"

namespace keyward::testing {
namespace {

// RFC 9113 section 3.4, and an empty SETTINGS frame.
constexpr absl::string_view kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

constexpr uint8_t kData = 0;
constexpr uint8_t kHeaders = 1;
constexpr uint8_t kEndHeaders = 4;

// RFC 9113 section 4.1.
std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  std::string frame;
  for (const int shift : {16, 8, 0}) frame += static_cast<char>(payload.size() >> shift);
  frame += static_cast<char>(type);
  frame += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(stream >> shift);
  return frame + payload;
}

// A literal header field without indexing, RFC 7541 section 6.2.2.
std::string Field(absl::string_view name, absl::string_view value) {
  std::string field(1, '\0');
  field += static_cast<char>(name.size());
  field.append(name.data(), name.size());
  field += static_cast<char>(value.size());
  field.append(value.data(), value.size());
  return field;
}

// A call whose message is to have 1000 bytes, of which one follows.
std::string BeginCall(uint32_t stream) {
  const std::string headers = Field(":method", "POST") + Field(":scheme", "https") +
                              Field(":path", "/keyward.v1.Signer/Sign") +
                              Field(":authority", "localhost") + Field("te", "trailers") +
                              Field("content-type", "application/grpc");
  return Frame(kHeaders, kEndHeaders, stream, headers) +
         Frame(kData, 0, stream, std::string("\0\0\0\3\xe8\x0a", 6));
}

uint32_t StreamNumber(int index) { return static_cast<uint32_t>(2 * index + 1); }

bool Send(SSL* tls, const std::string& bytes) {
  return SSL_write(tls, bytes.data(), static_cast<int>(bytes.size())) > 0;
}

}  // namespace

HostileConnections::HostileConnections(const std::string& address, const std::string& certificate,
                                       const std::string& private_key, std::string source)
    : port_(atoi(address.substr(address.rfind(':') + 1).c_str())),
      source_(std::move(source)),
      context_(SSL_CTX_new(TLS_client_method())) {
  // Writing to what the server has closed is an error, and no end of the test.
  signal(SIGPIPE, SIG_IGN);
  static constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  if (SSL_CTX_use_certificate_chain_file(context_.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context_.get(), private_key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_set_alpn_protos(context_.get(), kHttp2, sizeof(kHttp2)) != 0) {
    abort();
  }
}

absl::StatusOr<UniqueFd> HostileConnections::Connect() const {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (inet_pton(AF_INET, source_.c_str(), &address.sin_addr) != 1 ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, "bind");
  }
  address.sin_port = htons(static_cast<uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return absl::ErrnoToStatus(errno, "connect");
  }
  // A server that does not answer must not stop the test.
  const timeval patience = {.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  return fd;
}

absl::StatusOr<HostileConnections::SslPtr> HostileConnections::Handshake(int fd) const {
  SslPtr tls(SSL_new(context_.get()));
  SSL_set_fd(tls.get(), fd);
  if (SSL_connect(tls.get()) == 1) return tls;
  return absl::UnavailableError("no TLS");
}

absl::Status HostileConnections::OpenSilent() {
  ASSIGN_OR_RETURN(UniqueFd fd, Connect());
  connections_.push_back({.fd = std::move(fd)});
  return absl::OkStatus();
}

absl::Status HostileConnections::OpenIdle() {
  ASSIGN_OR_RETURN(UniqueFd fd, Connect());
  ASSIGN_OR_RETURN(SslPtr tls, Handshake(fd.get()));
  connections_.push_back({.fd = std::move(fd), .tls = std::move(tls)});
  return absl::OkStatus();
}

absl::Status HostileConnections::OpenSlow(int streams) {
  RETURN_IF_ERROR(OpenIdle());
  Connection& connection = connections_.back();
  connection.streams = streams;
  std::string bytes(kPreface.data(), kPreface.size());
  for (int i = 0; i < streams; ++i) bytes += BeginCall(StreamNumber(i));
  return Send(connection.tls.get(), bytes) ? absl::OkStatus()
                                           : absl::UnavailableError("cannot send");
}

void HostileConnections::Dribble() {
  std::vector<Connection> alive;
  for (Connection& connection : connections_) {
    std::string bytes;
    for (int i = 0; i < connection.streams; ++i) bytes += Frame(kData, 0, StreamNumber(i), "x");
    if (bytes.empty() || Send(connection.tls.get(), bytes)) {
      alive.push_back(std::move(connection));
    }
  }
  connections_ = std::move(alive);
}

}  // namespace keyward::testing
