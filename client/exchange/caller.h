// Who calls keyward-exchange, and whether they may.
#ifndef KEYWARD_CLIENT_EXCHANGE_CALLER_H_
#define KEYWARD_CLIENT_EXCHANGE_CALLER_H_

#include <grpcpp/server_context.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "signer/callers.h"
#include "signer/policy_holder.h"

namespace keyward::exchange {

struct Caller {
  // As signer/caller_identity writes it.
  std::string identity;
  // W3C Trace Context's header as it came, where it is well formed; else empty.
  std::string traceparent;
  // Of a call that names no subject: whether the caller may have tokens of the one that
  // the connection turns out to have. PERMISSION_DENIED NOT_ALLOWED or DENIED_BY_ROLE,
  // which does not tell the subject. Null where every subject is the same to the policy.
  std::function<absl::Status(absl::string_view subject)> check_subject = nullptr;
};

// Safe for use from several threads.
class Gatekeeper {
 public:
  // Both outlive this.
  Gatekeeper(const signer::PolicyHolder& policies, const signer::Callers& callers)
      : policies_(policies), callers_(callers) {}

  // The caller, where the policy grants them the operation `exchange` on `connection`, for
  // `subject` where that is not empty; where it is, whoever goes on asks check_subject().
  // Errors: INVALID_ARGUMENT CONNECTION_NAME_INVALID, UNAUTHENTICATED as Callers,
  // PERMISSION_DENIED NOT_ALLOWED, DENIED_BY_ROLE.
  absl::StatusOr<Caller> Admit(const grpc::ServerContext& context, const std::string& connection,
                               const std::string& subject) const;

 private:
  const signer::PolicyHolder& policies_;
  const signer::Callers& callers_;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_CALLER_H_
