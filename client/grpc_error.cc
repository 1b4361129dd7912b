#include "client/grpc_error.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr char kDomain[] = "keyward";

struct Details {
  std::string reason;
  std::optional<absl::Duration> retry_delay;
};

Details ReadDetails(const grpc::Status& status) {
  Details details;
  google::rpc::Status rich;
  if (!rich.ParseFromString(status.error_details())) return details;
  for (const auto& any : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (any.Is<google::rpc::ErrorInfo>() && any.UnpackTo(&info) && info.domain() == kDomain) {
      details.reason = info.reason();
    } else if (any.Is<google::rpc::RetryInfo>() && any.UnpackTo(&retry)) {
      const absl::Duration delay = absl::Seconds(retry.retry_delay().seconds()) +
                                   absl::Nanoseconds(retry.retry_delay().nanos());
      details.retry_delay = std::max(delay, absl::ZeroDuration());
    }
  }
  return details;
}

// What went wrong on the way, by gRPC's own account.
absl::Status TransportError(absl::StatusCode code, const std::string& said,
                            const std::string& signer) {
  switch (code) {
    // This client cancels no call: the signer did, because it stops.
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnavailable:
      return Error(absl::StatusCode::kUnavailable, "SIGNER_UNREACHABLE",
                   absl::StrCat("cannot reach the signer at ", signer,
                                ": check that it runs, its address, and that each side's CA fits "
                                "the other's certificate (",
                                said, ")"));
    case absl::StatusCode::kDeadlineExceeded:
      return Error(code, "DEADLINE_EXCEEDED",
                   absl::StrCat("the signer at ", signer, " did not answer in time"));
    case absl::StatusCode::kUnimplemented:
      return Error(code, "NOT_A_SIGNER",
                   absl::StrCat("what listens at ", signer,
                                " does not know this call: check the "
                                "address and the signer's version"));
    default:
      return Error(code, "SIGNER_FAILED",
                   absl::StrCat("the call to the signer at ", signer, " failed: ", said));
  }
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status, const std::string& signer) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const Details details = ReadDetails(status);
  absl::Status error = details.reason.empty() ? TransportError(code, status.error_message(), signer)
                                              : Error(code, details.reason, status.error_message());
  if (!details.retry_delay) return error;
  return WithRetryDelay(std::move(error), *details.retry_delay);
}

}  // namespace keyward::client
