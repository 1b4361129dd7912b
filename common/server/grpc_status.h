// The one place where an absl::Status becomes a gRPC status.
#ifndef KEYWARD_COMMON_SERVER_GRPC_STATUS_H_
#define KEYWARD_COMMON_SERVER_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace keyward::server {

// The status that a caller sees. An error with a reason (common/error.h) keeps
// its code and message and carries a google.rpc.Status in its error details
// (`grpc-status-details-bin`) with an ErrorInfo {reason, domain "keyward", metadata}
// and, where it has a retry delay, a RetryInfo.
//
// An error without a reason is an internal one, and its text may tell of the
// token: the caller gets UNAVAILABLE if its code is that and INTERNAL otherwise,
// the reason INTERNAL and a fixed sentence. Log it before; nothing of it is left.
// Messages are cut to 1 KiB: gRPC drops trailers that are larger than 8 KiB.
// Thread-safe.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_GRPC_STATUS_H_
