#include "tests/client/rich_status.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

namespace keyward::testing {

grpc::Status RichStatus(grpc::StatusCode code, const std::string& reason,
                        const std::string& message, std::optional<absl::Duration> retry_delay,
                        const std::map<std::string, std::string>& metadata) {
  google::rpc::Status rich;
  rich.set_code(code);
  rich.set_message(message);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("keyward");
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  rich.add_details()->PackFrom(info);
  if (retry_delay) {
    google::rpc::RetryInfo retry;
    const int64_t nanos = absl::ToInt64Nanoseconds(*retry_delay);
    retry.mutable_retry_delay()->set_seconds(nanos / 1000000000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(nanos % 1000000000));
    rich.add_details()->PackFrom(retry);
  }
  return {code, message, rich.SerializeAsString()};
}

}  // namespace keyward::testing
