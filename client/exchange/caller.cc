#include "client/exchange/caller.h"

#include "common/connection_name.h"
#include "common/server/call_trace.h"
#include "common/status_macros.h"

namespace keyward::exchange {

absl::StatusOr<Caller> Gatekeeper::Admit(const grpc::ServerContext& context,
                                         const std::string& connection) const {
  Caller caller;
  ASSIGN_OR_RETURN(caller.identity, callers_.IdentityOf(context));
  RETURN_IF_ERROR(CheckConnectionName(connection));
  RETURN_IF_ERROR(
      policy_.Decide({caller.identity, connection, signer::Operation::kExchange}).status);
  if (server::TraceparentOf(context)) {
    const grpc::string_ref& text = context.client_metadata().find(kTraceparentHeader)->second;
    caller.traceparent.assign(text.data(), text.size());
  }
  return caller;
}

}  // namespace keyward::exchange
