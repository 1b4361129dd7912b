// Who calls keyward-exchange, and whether they may.
#ifndef KEYWARD_CLIENT_EXCHANGE_CALLER_H_
#define KEYWARD_CLIENT_EXCHANGE_CALLER_H_

#include <grpcpp/server_context.h>

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "signer/authorization_policy.h"
#include "signer/callers.h"

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
  // `callers` outlives this.
  Gatekeeper(signer::AuthorizationPolicy policy, const signer::Callers& callers)
      : policy_(std::move(policy)), callers_(callers) {}

  // The caller, where the policy grants them the operation `exchange` on `connection`.
  // Errors: INVALID_ARGUMENT CONNECTION_NAME_INVALID, UNAUTHENTICATED as Callers,
  // PERMISSION_DENIED NOT_ALLOWED.
  absl::StatusOr<Caller> Admit(const grpc::ServerContext& context,
                               const std::string& connection) const;

 private:
  const signer::AuthorizationPolicy policy_;
  const signer::Callers& callers_;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_CALLER_H_
