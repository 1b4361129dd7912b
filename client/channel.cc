#include "client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/file.h"
#include "common/openssl.h"
#include "common/pem.h"
#include "common/secret.h"
#include "common/status_macros.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

// After a refused connection gRPC waits before it tries another: shorter than
// its own second, so that a signer that restarts is found again at once.
constexpr int kReconnectInitialMilliseconds = 100;
constexpr int kReconnectMaxMilliseconds = 5000;
// How long a connection may take to be made, whatever the argument's name says.
constexpr int kConnectMilliseconds = 5000;
constexpr int kKeepaliveTimeoutMilliseconds = 10000;

absl::Status Invalid(absl::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID", message);
}

absl::StatusOr<std::string> ReadPem(const std::string& path, absl::string_view what) {
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (!pem.ok()) return Annotate(pem.status(), what);
  return pem;
}

// What is wrong with a file's contents: `mistake` follows its name.
absl::Status InvalidFile(const std::string& path, const absl::Status& mistake) {
  return Invalid(absl::StrCat(path, " ", mistake.message()));
}

// The handshake would fail without a word about why.
absl::Status CheckPair(const TlsFiles& files, absl::string_view certificate_pem,
                       absl::string_view key_pem) {
  const absl::StatusOr<std::vector<X509Ptr>> chain = ParsePemCertificates(certificate_pem);
  if (!chain.ok()) return InvalidFile(files.certificate, chain.status());
  const absl::StatusOr<EvpPkeyPtr> key = ParsePemPrivateKey(key_pem);
  if (!key.ok()) return InvalidFile(files.private_key, key.status());
  const X509* certificate = chain->front().get();
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return Invalid(
        absl::StrCat(files.certificate, " has expired; have a new client certificate issued"));
  }
  if (X509_check_private_key(certificate, key->get()) == 1) return absl::OkStatus();
  ForgetOpensslErrors();
  return Invalid(absl::StrCat(files.private_key, " is not the private key of ", files.certificate));
}

// Every address of the name at once; with `health_service`, those that serve.
std::string ServiceConfig(const std::string& health_service) {
  constexpr char kRoundRobin[] = R"("loadBalancingConfig":[{"round_robin":{}}])";
  if (health_service.empty()) return absl::StrCat("{", kRoundRobin, "}");
  return absl::StrCat("{", kRoundRobin, R"(,"healthCheckConfig":{"serviceName":")", health_service,
                      R"("}})");
}

}  // namespace

absl::Status CheckAddress(absl::string_view address, absl::string_view service,
                          absl::string_view example) {
  const size_t colon = address.rfind(':');
  const absl::string_view host = address.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  int port = 0;
  if (colon == absl::string_view::npos || host.empty() ||
      host.find_first_of(bracketed ? "/" : ":/[]") != absl::string_view::npos ||
      !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return Invalid(absl::StrCat("the ", service, "'s address '", Shown(address),
                                "' must be host:port, like ", example));
  }
  return absl::OkStatus();
}

absl::Status CheckKeepalive(absl::Duration keepalive) {
  if (keepalive >= absl::Seconds(20) && keepalive <= absl::Hours(1)) return absl::OkStatus();
  return Invalid("the keepalive must be from 20 s to 1 h");
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MutualTls(const TlsFiles& files,
                                                                    absl::string_view service) {
  grpc::SslCredentialsOptions tls;
  const absl::Cleanup wipe = [&] { WipeString(tls.pem_private_key); };
  ASSIGN_OR_RETURN(tls.pem_root_certs, ReadPem(files.ca, absl::StrCat("CA of the ", service)));
  ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadPem(files.certificate, "client certificate"));
  const absl::StatusOr<Secret> key = ReadSecretFile(files.private_key);
  if (!key.ok()) return Annotate(key.status(), "private key");
  tls.pem_private_key = std::string(key->Expose());
  const absl::Status cas = ParsePemCertificates(tls.pem_root_certs).status();
  if (!cas.ok()) return InvalidFile(files.ca, cas);
  RETURN_IF_ERROR(CheckPair(files, tls.pem_cert_chain, tls.pem_private_key));
  return grpc::SslCredentials(tls);
}

std::shared_ptr<grpc::Channel> NewChannel(
    const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    const ChannelOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(ServiceConfig(options.health_service));
  // Ours is the only one: not one of DNS.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectInitialMilliseconds);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMilliseconds);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMaxMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.keepalive)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0);
  // The health watch is a call without end and without data: pings must go on.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The service is in our own network; no HTTP proxy of the environment is.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const bool is_socket = absl::StartsWith(target, "unix:");
  return grpc::CreateCustomChannel(is_socket ? target : absl::StrCat("dns:///", target),
                                   credentials, arguments);
}

}  // namespace keyward::client
