#include "client/exchange/signer_errors.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "common/error.h"
#include "common/utf8.h"

namespace keyward::exchange {
namespace {

constexpr char kRefuses[] = "SIGNER_REFUSES_EXCHANGE";
constexpr char kRefusal[] =
    "the signer refuses keyward-exchange itself: its operator must give keyward-exchange's "
    "identity the operations sign and view on this connection in the signer's policy";

}  // namespace

absl::Status ForCallers(const absl::Status& status) {
  const std::string reason = ReasonOf(status).value_or("");
  if (reason == "SIGNER_UNREACHABLE" || reason == "SIGNER_FAILED" || reason == "NOT_A_SIGNER") {
    absl::Status away = Error(absl::StatusCode::kUnavailable, "SIGNER_UNAVAILABLE",
                              "the signer does not answer; try again; the operator finds more in "
                              "keyward-exchange's log");
    const auto delay = RetryDelayOf(status);
    return delay ? WithRetryDelay(std::move(away), *delay) : away;
  }
  if (reason == "DEADLINE_EXCEEDED") {
    return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                 "the signer did not answer in time");
  }
  if (absl::IsUnauthenticated(status) || reason == "NOT_ALLOWED") {
    return Error(status.code(), kRefuses, kRefusal);
  }
  return status;
}

absl::Status LoggedForCallers(absl::string_view connection, const absl::Status& status) {
  absl::Status told = ForCallers(status);
  if (told != status) {
    spdlog::warn("the signer, asked for {}: {}: {}", Printable(connection),
                 ReasonOf(status).value_or("INTERNAL"), Printable(status.message()));
  }
  return told;
}

absl::Status AsAnswered(const absl::Status& status) {
  if (ReasonOf(status) != kRefuses) return status;
  return Error(absl::StatusCode::kFailedPrecondition, "SIGNER_REFUSES_EXCHANGE", kRefusal);
}

}  // namespace keyward::exchange
