#include "client/grpc_error.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr char kDomain[] = "keyward";

struct Details {
  std::string reason;
  std::map<std::string, std::string> metadata;
  std::optional<absl::Duration> retry_delay;
};

// How messages call a service, and its reasons.
struct Words {
  const char* name;
  const char* unreachable;
  const char* not_one;
  const char* failed;
};

Words WordsOf(Service service) {
  if (service == Service::kExchange) {
    return {"keyward-exchange", "EXCHANGE_UNREACHABLE", "NOT_AN_EXCHANGE", "EXCHANGE_FAILED"};
  }
  return {"the signer", "SIGNER_UNREACHABLE", "NOT_A_SIGNER", "SIGNER_FAILED"};
}

Details ReadDetails(const grpc::Status& status) {
  Details details;
  google::rpc::Status rich;
  if (!rich.ParseFromString(status.error_details())) return details;
  for (const auto& any : rich.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (any.Is<google::rpc::ErrorInfo>() && any.UnpackTo(&info) && info.domain() == kDomain) {
      details.reason = info.reason();
      details.metadata = {info.metadata().begin(), info.metadata().end()};
    } else if (any.Is<google::rpc::RetryInfo>() && any.UnpackTo(&retry)) {
      const absl::Duration delay = absl::Seconds(retry.retry_delay().seconds()) +
                                   absl::Nanoseconds(retry.retry_delay().nanos());
      details.retry_delay = std::max(delay, absl::ZeroDuration());
    }
  }
  return details;
}

// What went wrong on the way, by gRPC's own account.
absl::Status TransportError(absl::StatusCode code, absl::string_view said, const Words& words,
                            absl::string_view address) {
  switch (code) {
    // This client cancels no call: the service did, because it stops.
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnavailable:
      return Error(absl::StatusCode::kUnavailable, words.unreachable,
                   absl::StrCat("cannot reach ", words.name, " at ", address,
                                ": check that it runs, its address, and that each side's CA fits "
                                "the other's certificate (",
                                said, ")"));
    case absl::StatusCode::kDeadlineExceeded:
      return Error(code, "DEADLINE_EXCEEDED",
                   absl::StrCat(words.name, " at ", address, " did not answer in time"));
    case absl::StatusCode::kUnimplemented:
      return Error(code, words.not_one,
                   absl::StrCat("what listens at ", address,
                                " does not know this call: check the address, and the version of ",
                                words.name));
    default:
      return Error(code, words.failed,
                   absl::StrCat("the call to ", words.name, " at ", address, " failed: ", said));
  }
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status, Service service,
                            absl::string_view address) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const Details details = ReadDetails(status);
  if (details.reason.empty()) {
    absl::Status error = TransportError(code, status.error_message(), WordsOf(service), address);
    return details.retry_delay ? WithRetryDelay(std::move(error), *details.retry_delay) : error;
  }
  absl::Status error = Error(code, details.reason, status.error_message());
  for (const auto& [key, value] : details.metadata) {
    error = WithMetadata(std::move(error), key, value);
  }
  return details.retry_delay ? WithRetryDelay(std::move(error), *details.retry_delay) : error;
}

}  // namespace keyward::client
