// The caller's identity from a gRPC call.
#ifndef KEYWARD_SIGNER_PEER_IDENTITY_H_
#define KEYWARD_SIGNER_PEER_IDENTITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpc {
class AuthContext;
class ServerContextBase;
}  // namespace grpc

namespace keyward::signer {

// CallerIdentity() of the client certificate of the connection that `context`
// belongs to. That TLS verified the certificate's chain is the server
// credentials' doing (GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY).
// The answer is the same for every call of a connection. Thread-safe.
//
// Errors, all UNAUTHENTICATED:
//   CLIENT_CERTIFICATE_MISSING  no TLS, or no client certificate
//   CLIENT_IDENTITY_INVALID     as CallerIdentity()
absl::StatusOr<std::string> PeerIdentity(const grpc::AuthContext& context);

// The same for a daemon that also listens on a Unix socket, with
// grpc::experimental::LocalServerCredentials(UDS). A connection over that has no certificate:
// whoever may open the socket is `socket_identity`, an identity as CallerIdentity() writes it.
// Where that is empty such a connection is refused. A connection over TCP never counts as the
// socket, not from this machine either.
absl::StatusOr<std::string> PeerIdentity(const grpc::ServerContextBase& context,
                                         absl::string_view socket_identity);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_PEER_IDENTITY_H_
