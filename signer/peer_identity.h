// The caller's identity from a gRPC call.
#ifndef KEYWARD_SIGNER_PEER_IDENTITY_H_
#define KEYWARD_SIGNER_PEER_IDENTITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpc {
class AuthContext;
}

namespace keyward::signer {

// CallerIdentity() of the client certificate of the connection that `context`
// belongs to. That TLS verified the certificate's chain is the server
// credentials' doing (GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY).
// The answer is the same for every call of a connection. Thread-safe.
//
// A connection over a Unix socket that grpc::experimental::LocalServerCredentials(UDS) serves
// has no certificate; whoever may open the socket is `socket_identity`, an identity as
// CallerIdentity() writes it. Where that is empty such a connection is refused, as every other
// without a certificate always is.
//
// Errors, all UNAUTHENTICATED:
//   CLIENT_CERTIFICATE_MISSING  neither TLS with a client certificate, nor a Unix socket that
//                               has an identity
//   CLIENT_IDENTITY_INVALID     as CallerIdentity()
absl::StatusOr<std::string> PeerIdentity(const grpc::AuthContext& context,
                                         absl::string_view socket_identity = {});

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_PEER_IDENTITY_H_
