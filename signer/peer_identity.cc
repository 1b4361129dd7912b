#include "signer/peer_identity.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/server_context.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "common/error.h"
#include "signer/caller_identity.h"

namespace keyward::signer {
namespace {

// gRPC has no public name for it.
constexpr char kLocalTransport[] = "local";

std::vector<std::string> Values(const grpc::AuthContext& context, const char* name) {
  std::vector<std::string> values;
  for (const grpc::string_ref& value : context.FindPropertyValues(name)) {
    values.emplace_back(value.data(), value.size());
  }
  return values;
}

}  // namespace

// gRPC names both of its TLS stacks; any other transport carries no certificate.
bool IsTls(const grpc::AuthContext& context) {
  const auto types = context.FindPropertyValues(GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME);
  return types.size() == 1 && (types.front() == GRPC_SSL_TRANSPORT_SECURITY_TYPE ||
                               types.front() == GRPC_TLS_TRANSPORT_SECURITY_TYPE);
}

// gRPC 1.51 gives a local connection over TCP (LocalServerCredentials(LOCAL_TCP)) the same
// properties as one over a Unix socket, so the transport's own address decides too.
bool IsUnixSocket(const grpc::ServerContextBase& context) {
  return Values(*context.auth_context(), GRPC_TRANSPORT_SECURITY_TYPE_PROPERTY_NAME) ==
             std::vector<std::string>{kLocalTransport} &&
         absl::StartsWith(context.peer(), "unix:");
}

absl::StatusOr<std::string> PeerIdentity(const grpc::AuthContext& context,
                                         const IdentityKinds& kinds) {
  if (!IsTls(context) || context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME).empty()) {
    return Error(absl::StatusCode::kUnauthenticated, "CLIENT_CERTIFICATE_MISSING",
                 "connect with TLS and a client certificate");
  }
  PeerCertificate certificate;
  certificate.uris = Values(context, GRPC_PEER_URI_PROPERTY_NAME);
  certificate.dns_names = Values(context, GRPC_PEER_DNS_PROPERTY_NAME);
  certificate.common_names = Values(context, GRPC_X509_CN_PROPERTY_NAME);
  absl::StatusOr<std::string> identity = CallerIdentity(certificate, kinds);
  // gRPC counts a peer as authenticated when it has a name.
  if (identity.ok() && !context.IsPeerAuthenticated()) {
    return Error(absl::StatusCode::kUnauthenticated, "CLIENT_CERTIFICATE_MISSING",
                 "connect with a client certificate that the signer's client CA issued");
  }
  return identity;
}

}  // namespace keyward::signer
