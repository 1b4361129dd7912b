// A gRPC status as an error of ours. Internal to the client library.
#ifndef KEYWARD_CLIENT_GRPC_ERROR_H_
#define KEYWARD_CLIENT_GRPC_ERROR_H_

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace keyward::client {

// The code and sentence of `status`, with the reason of its google.rpc.ErrorInfo
// and the delay of its google.rpc.RetryInfo, where it has them. One without a
// reason did not come from a Keyward service but from the way there; it gets
// a reason here: SIGNER_UNREACHABLE, DEADLINE_EXCEEDED, NOT_A_SIGNER or
// SIGNER_FAILED. `signer` is its address, for the message.
absl::Status FromGrpcStatus(const grpc::Status& status, const std::string& signer);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_GRPC_ERROR_H_
