#include "client/https/transfer_error.h"

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

absl::Status ProxyRefused(const FailedTransfer& failed) {
  const CurlLong status = failed.proxy_status;
  return Error(
      absl::StatusCode::kFailedPrecondition, "PROXY_REFUSED",
      absl::StrCat("the proxy answered with status ", status, " when asked for ", failed.origin,
                   status == 407 ? ": put a user and password that it knows into https_proxy"
                                 : ": have it allow this host, or change https_proxy"));
}

}  // namespace

absl::Status TransferError(const FailedTransfer& failed) {
  if (failed.proxy_status >= 400 && failed.proxy_status < 500) return ProxyRefused(failed);
  // A peer's certificate, say, may be quoted in it.
  const std::string detail = Printable(
      failed.detail.empty() ? absl::string_view(curl_easy_strerror(failed.code)) : failed.detail);
  switch (failed.code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Error(absl::StatusCode::kDeadlineExceeded, "LOGIN_HOST_TIMEOUT",
                   absl::StrCat("no answer from ", failed.origin, " in time: ", detail));
    case CURLE_COULDNT_RESOLVE_HOST:
      return Error(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNKNOWN",
                   absl::StrCat("the host of ", failed.origin, " is not known: ", detail,
                                "; check the login URL, and this machine's DNS"));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Error(absl::StatusCode::kFailedPrecondition, "LOGIN_HOST_NOT_TRUSTED",
                   absl::StrCat("the certificate of ", failed.origin, " is not trusted: ", detail,
                                "; check the login URL and the CA file"));
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Error(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE",
                   absl::StrCat("cannot exchange with ", failed.origin, ": ", detail,
                                "; check https_proxy"));
    default:
      return Error(absl::StatusCode::kUnavailable, "LOGIN_HOST_UNREACHABLE",
                   absl::StrCat("cannot exchange with ", failed.origin, ": ", detail,
                                ": check the network, the proxy and the login URL"));
  }
}

}  // namespace keyward::client
