#include "client/exchange/caller.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "common/connection_name.h"
#include "common/error.h"
#include "common/server/call_trace.h"
#include "common/status_macros.h"

namespace keyward::exchange {
namespace {

// Whoever may not have tokens of the connection's only subject may not be told who that is.
absl::Status WithoutSubject(const absl::Status& refusal, const std::string& connection) {
  return Error(refusal.code(), ReasonOf(refusal).value_or("NOT_ALLOWED"),
               absl::StrCat("the policy does not let the caller have access tokens of the only "
                            "subject of the connection ",
                            connection, ", which the call left open: name one that it may have"));
}

}  // namespace

absl::StatusOr<Caller> Gatekeeper::Admit(const grpc::ServerContext& context,
                                         const std::string& connection,
                                         const std::string& subject) const {
  Caller caller;
  ASSIGN_OR_RETURN(caller.identity, callers_.IdentityOf(context));
  RETURN_IF_ERROR(CheckConnectionName(connection));
  std::shared_ptr<const signer::AuthorizationPolicy> policy = policies_.Get();
  signer::Access access{caller.identity, connection, signer::Operation::kExchange};
  if (!subject.empty()) access.subject = subject;
  RETURN_IF_ERROR(policy->Decide(access).status);
  if (subject.empty() && policy->has_subjects()) {
    // With this policy to the end, whatever comes after it.
    caller.check_subject = [policy = std::move(policy), identity = caller.identity,
                            connection](absl::string_view found) {
      const absl::Status status =
          policy->Decide({identity, connection, signer::Operation::kExchange, found}).status;
      return status.ok() ? status : WithoutSubject(status, connection);
    };
  }
  if (server::TraceparentOf(context)) {
    const grpc::string_ref& text = context.client_metadata().find(kTraceparentHeader)->second;
    caller.traceparent.assign(text.data(), text.size());
  }
  return caller;
}

}  // namespace keyward::exchange
