// The caller's identity from a gRPC call.
#ifndef KEYWARD_SIGNER_PEER_IDENTITY_H_
#define KEYWARD_SIGNER_PEER_IDENTITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "signer/caller_identity.h"

namespace grpc {
class AuthContext;
class ServerContextBase;
}  // namespace grpc

namespace keyward::signer {

// CallerIdentity() of the client certificate of the connection that `context`
// belongs to. That TLS verified the certificate's chain is the server
// credentials' doing (GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
// whether it is good still is for signer/callers to say, whom the daemons ask.
// The answer is the same for every call of a connection. Thread-safe.
//
// Errors, all UNAUTHENTICATED:
//   CLIENT_CERTIFICATE_MISSING  no TLS, or no client certificate
//   CLIENT_IDENTITY_INVALID     as CallerIdentity()
absl::StatusOr<std::string> PeerIdentity(const grpc::AuthContext& context,
                                         const IdentityKinds& kinds = {});

// Whether `context` belongs to a connection over TLS. Thread-safe.
bool IsTls(const grpc::AuthContext& context);

// Whether a call came over a Unix socket with grpc::experimental::LocalServerCredentials(UDS).
// Never of one over TCP, not from this machine either. Thread-safe.
bool IsUnixSocket(const grpc::ServerContextBase& context);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_PEER_IDENTITY_H_
