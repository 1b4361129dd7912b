// A gRPC status as an error of ours. Internal to the client library.
#ifndef KEYWARD_CLIENT_GRPC_ERROR_H_
#define KEYWARD_CLIENT_GRPC_ERROR_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace keyward::client {

// Who was called.
enum class Service { kSigner, kExchange };

// The code and sentence of `status`, with the reason and the metadata of its
// google.rpc.ErrorInfo and the delay of its google.rpc.RetryInfo, where it has them.
// One without a reason did not come from a Keyward service but from the way there; it
// gets a reason here: SIGNER_UNREACHABLE, DEADLINE_EXCEEDED, NOT_A_SIGNER or
// SIGNER_FAILED; of the exchange EXCHANGE_UNREACHABLE, NOT_AN_EXCHANGE and
// EXCHANGE_FAILED. `address` is where `service` was looked for, for the message.
absl::Status FromGrpcStatus(const grpc::Status& status, Service service, absl::string_view address);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_GRPC_ERROR_H_
