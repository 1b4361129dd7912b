// Errors as our services send them.
#ifndef KEYWARD_TESTS_CLIENT_RICH_STATUS_H_
#define KEYWARD_TESTS_CLIENT_RICH_STATUS_H_

#include <grpcpp/support/status.h>

#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"

namespace keyward::testing {

// With google.rpc.Status in its details.
grpc::Status RichStatus(grpc::StatusCode code, const std::string& reason,
                        const std::string& message,
                        std::optional<absl::Duration> retry_delay = std::nullopt,
                        const std::map<std::string, std::string>& metadata = {});

}  // namespace keyward::testing

#endif  // KEYWARD_TESTS_CLIENT_RICH_STATUS_H_
