// What libcurl's errors mean to the caller. Internal to client/https.
#ifndef KEYWARD_CLIENT_HTTPS_TRANSFER_ERROR_H_
#define KEYWARD_CLIENT_HTTPS_TRANSFER_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/https/curl_handle.h"

namespace keyward::client {

struct FailedTransfer {
  CURLcode code;
  // libcurl's own words, which hold what the peer sent but nothing secret.
  std::string detail;
  // Where it was to go.
  std::string origin;
  // Status of the proxy's answer to CONNECT (RFC 9110 section 9.3.6); 0 for none.
  CurlLong proxy_status;
};

// One of the errors of HttpsClient::Send().
absl::Status TransferError(const FailedTransfer& failed);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_TRANSFER_ERROR_H_
