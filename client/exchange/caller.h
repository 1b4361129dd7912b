// Who calls keyward-exchange, and whether they may.
#ifndef KEYWARD_CLIENT_EXCHANGE_CALLER_H_
#define KEYWARD_CLIENT_EXCHANGE_CALLER_H_

#include <grpcpp/server_context.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "signer/authorization_policy.h"

namespace keyward::exchange {

struct Caller {
  // As signer/caller_identity writes it.
  std::string identity;
  // W3C Trace Context's header as it came, where it is well formed; else empty.
  std::string traceparent;
};

// Immutable: safe for use from several threads.
class Gatekeeper {
 public:
  // `socket_identity`: who calls over the Unix socket; empty where there is none.
  Gatekeeper(signer::AuthorizationPolicy policy, std::string socket_identity)
      : policy_(std::move(policy)), socket_identity_(std::move(socket_identity)) {}

  // The caller, where the policy grants them the operation `exchange` on `connection`.
  // Errors: INVALID_ARGUMENT CONNECTION_NAME_INVALID, UNAUTHENTICATED as PeerIdentity(),
  // PERMISSION_DENIED NOT_ALLOWED.
  absl::StatusOr<Caller> Admit(const grpc::ServerContext& context,
                               const std::string& connection) const;

 private:
  const signer::AuthorizationPolicy policy_;
  const std::string socket_identity_;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_CALLER_H_
