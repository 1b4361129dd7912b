#include "client/exchange/signer_errors.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::exchange {
namespace {

constexpr char kRefuses[] = "SIGNER_REFUSES_EXCHANGE";
constexpr char kRefusal[] =
    "the signer refuses keyward-exchange itself: its operator must give keyward-exchange's "
    "identity the operations sign and view on this connection in the signer's policy";

absl::Status WithDelayOf(const absl::Status& status, absl::Status told) {
  const auto delay = RetryDelayOf(status);
  return delay ? WithRetryDelay(std::move(told), *delay) : told;
}

// Whether the certificate itself is refused: it is revoked or expired, or the list of those that
// are revoked is out of date.
bool IsAboutCertificate(absl::string_view reason) {
  return reason == "CLIENT_CERTIFICATE_REVOKED" || reason == "CLIENT_CERTIFICATE_EXPIRED" ||
         reason == "CLIENT_CERTIFICATE_INVALID" || reason == "CLIENT_CRL_EXPIRED";
}

// The quota of an identity is keyward-exchange's own, which all its callers share.
bool IsOwnQuota(const absl::Status& status, absl::string_view reason) {
  const auto metadata = MetadataOf(status);
  const auto quota = metadata.find("quota");
  return reason == "QUOTA_EXCEEDED" && quota != metadata.end() && quota->second == "identity";
}

}  // namespace

absl::Status ForCallers(const absl::Status& status) {
  const std::string reason = ReasonOf(status).value_or("");
  if (reason == "SIGNER_UNREACHABLE" || reason == "SIGNER_FAILED" || reason == "NOT_A_SIGNER") {
    return WithDelayOf(status,
                       Error(absl::StatusCode::kUnavailable, "SIGNER_UNAVAILABLE",
                             "the signer does not answer; try again; the operator finds more in "
                             "keyward-exchange's log"));
  }
  if (reason == "DEADLINE_EXCEEDED") {
    return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                 "the signer did not answer in time");
  }
  if (IsOwnQuota(status, reason)) {
    return WithDelayOf(
        status, Error(status.code(), reason,
                      "keyward-exchange has used up its quota at the signer, which all its callers "
                      "share; try again later"));
  }
  if (IsAboutCertificate(reason)) {
    return Error(
        status.code(), kRefuses,
        absl::StrCat("the signer refuses keyward-exchange's own client certificate (", reason,
                     "): its operator must renew it, or look into the signer's "
                     "log"));
  }
  if (absl::IsUnauthenticated(status) || reason == "NOT_ALLOWED" || reason == "DENIED_BY_ROLE") {
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
  return Error(absl::StatusCode::kFailedPrecondition, "SIGNER_REFUSES_EXCHANGE", status.message());
}

}  // namespace keyward::exchange
