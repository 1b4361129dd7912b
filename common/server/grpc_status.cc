#include "common/server/grpc_status.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/error.h"
#include "common/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace keyward::server {
namespace {

constexpr size_t kMaxMessageBytes = 1024;
constexpr char kDomain[] = "keyward";
constexpr char kInternalReason[] = "INTERNAL";
constexpr char kInternalMessage[] =
    "this service failed; its log says why, ask the operator to look there";

// `message`, short enough for a trailer. Protobuf takes nothing but UTF-8.
std::string Fitting(absl::string_view message) {
  if (message.size() <= kMaxMessageBytes && IsValidUtf8(message)) return std::string(message);
  std::string shown = Shown(message, kMaxMessageBytes);
  if (shown.size() > kMaxMessageBytes) shown.resize(kMaxMessageBytes);
  return shown;
}

google::rpc::RetryInfo RetryInfoOf(absl::Duration delay) {
  google::rpc::RetryInfo info;
  const int64_t seconds = absl::IDivDuration(delay, absl::Seconds(1), &delay);
  info.mutable_retry_delay()->set_seconds(seconds);
  info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(delay)));
  return info;
}

grpc::Status MakeStatus(absl::StatusCode code, const std::string& reason,
                        const std::string& message,
                        const std::map<std::string, std::string>& metadata,
                        std::optional<absl::Duration> retry_delay) {
  google::rpc::Status details;
  details.set_code(static_cast<int>(code));
  details.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain(kDomain);
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  details.add_details()->PackFrom(info);
  if (retry_delay) details.add_details()->PackFrom(RetryInfoOf(*retry_delay));
  // absl and gRPC use the same numbers for the canonical codes.
  return {static_cast<grpc::StatusCode>(code), message, details.SerializeAsString()};
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::optional<absl::Duration> retry_delay = RetryDelayOf(status);
  if (const std::optional<std::string> reason = ReasonOf(status)) {
    return MakeStatus(status.code(), *reason, Fitting(status.message()), MetadataOf(status),
                      retry_delay);
  }
  const absl::StatusCode code =
      absl::IsUnavailable(status) ? absl::StatusCode::kUnavailable : absl::StatusCode::kInternal;
  return MakeStatus(code, kInternalReason, kInternalMessage, {}, retry_delay);
}

}  // namespace keyward::server
