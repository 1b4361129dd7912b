#include "common/server/tls_credentials.h"

#include <grpc/grpc.h>
#include <netdb.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace keyward::server {
namespace {

// What gRPC calls those of an ExternalConnectionAcceptor, which takes one connection at a time.
constexpr char kExternal[] = "external:";

// The addresses of `host`, each as "HOST:PORT" writes it; `host` itself where it has none that
// can be told.
std::vector<std::string> AddressesOf(const std::string& host) {
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const std::string name = is_bracketed ? host.substr(1, host.size() - 2) : host;
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return {host};
  const absl::Cleanup release = [found] { freeaddrinfo(found); };
  std::vector<std::string> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0) {
      continue;
    }
    std::string address =
        one->ai_family == AF_INET6 ? absl::StrCat("[", text.data(), "]") : text.data();
    if (!absl::c_linear_search(addresses, address)) addresses.push_back(std::move(address));
  }
  return addresses.empty() ? std::vector<std::string>{host} : addresses;
}

}  // namespace

absl::StatusOr<std::shared_ptr<ReloadingTlsCredentials>> ReloadingTlsCredentials::New(
    TlsFiles files, absl::Duration interval, Tell tell) {
  ASSIGN_OR_RETURN(std::shared_ptr<const TlsSet> set, ReadTlsFiles(files));
  ASSIGN_OR_RETURN(std::shared_ptr<const ClientVerifier> verifier,
                   ClientVerifier::New(*set, /*generation=*/1));
  return std::shared_ptr<ReloadingTlsCredentials>(new ReloadingTlsCredentials(
      std::move(files), interval, std::move(tell), std::move(set), std::move(verifier)));
}

ReloadingTlsCredentials::ReloadingTlsCredentials(TlsFiles files, absl::Duration interval, Tell tell,
                                                 std::shared_ptr<const TlsSet> set,
                                                 std::shared_ptr<const ClientVerifier> verifier)
    : interval_(interval),
      tell_(std::move(tell)),
      verifiers_(std::move(verifier)),
      set_(set),
      watch_(std::move(files), std::move(set),
             [this](const std::shared_ptr<const TlsSet>& read) { return Use(read); }),
      thread_([this] { Run(); }) {}

ReloadingTlsCredentials::~ReloadingTlsCredentials() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

std::shared_ptr<const TlsSet> ReloadingTlsCredentials::set() const {
  MutexLock lock(&mutex_);
  return set_;
}

void ReloadingTlsCredentials::SetAuthMetadataProcessor(
    const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) {
  spdlog::critical("a processor of call metadata was given to TLS credentials that have none");
  abort();
}

// gRPC 1.51 replaces a port's TLS context without a lock against the other sockets of the port:
// one that takes a connection then may find it freed. The connections of one socket are taken one
// after the other. So each address that a name has is a port of its own.
int ReloadingTlsCredentials::AddPortToServer(const std::string& address, grpc_server* server) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || absl::StartsWith(address, kExternal))
    return AddSocket(address, server);
  std::string port = address.substr(colon + 1);
  int bound = 0;
  for (const std::string& host : AddressesOf(address.substr(0, colon))) {
    const int one = AddSocket(absl::StrCat(host, ":", port), server);
    if (one == 0) continue;
    bound = one;
    // Where any port would do, the same for all.
    port = absl::StrCat(one);
  }
  return bound;
}

int ReloadingTlsCredentials::AddSocket(const std::string& address, grpc_server* server) {
  auto owned = std::make_unique<Port>(Port{.credentials = this});
  Port* const port = owned.get();
  {
    MutexLock lock(&mutex_);
    ports_.push_back(std::move(owned));
  }
  grpc_server_credentials* const credentials = grpc_ssl_server_credentials_create_with_options(
      grpc_ssl_server_credentials_create_options_using_config_fetcher(
          GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &Fetch, port));
  const int bound = grpc_server_add_http2_port(server, address.c_str(), credentials);
  grpc_server_credentials_release(credentials);
  return bound;
}

grpc_ssl_certificate_config_reload_status ReloadingTlsCredentials::Fetch(
    void* port, grpc_ssl_server_certificate_config** config) {
  Port& asking = *static_cast<Port*>(port);
  ReloadingTlsCredentials& credentials = *asking.credentials;
  MutexLock lock(&credentials.mutex_);
  if (asking.generation == credentials.generation_) {
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  }
  asking.generation = credentials.generation_;
  const TlsSet& set = *credentials.set_;
  // A Secret's text is a whole std::string, and so ends in a zero.
  const grpc_ssl_pem_key_cert_pair pair = {set.private_key.Expose().data(),
                                           set.certificate.c_str()};
  *config = grpc_ssl_server_certificate_config_create(set.client_ca.c_str(), &pair, 1);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

void ReloadingTlsCredentials::Run() {
  for (;;) {
    {
      MutexLock lock(&mutex_);
      const auto is_stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
      if (mutex_.AwaitWithTimeout(is_stopping, interval_)) return;
    }
    const std::optional<TlsReload> reload = watch_.Poll();
    if (reload && tell_) tell_(*reload);
  }
}

absl::Status ReloadingTlsCredentials::Use(const std::shared_ptr<const TlsSet>& set) {
  absl::StatusOr<std::shared_ptr<const ClientVerifier>> verifier =
      ClientVerifier::New(*set, verifiers_.generation() + 1);
  RETURN_IF_ERROR(verifier.status());
  // First: who connects by the new authorities is not refused by the former ones.
  verifiers_.Set(*std::move(verifier));
  MutexLock lock(&mutex_);
  set_ = set;
  ++generation_;
  return absl::OkStatus();
}

}  // namespace keyward::server
