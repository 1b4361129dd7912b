// One request over one of libcurl's handles. Internal to client/https.
#ifndef KEYWARD_CLIENT_HTTPS_TRANSFER_H_
#define KEYWARD_CLIENT_HTTPS_TRANSFER_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/https/curl_handle.h"
#include "client/https/https_client.h"
#include "client/https/login_hosts.h"
#include "client/https/proxy.h"

namespace keyward::client {

struct Target {
  const LoginUrl& url;
  // Null where the host is reached directly.
  const Proxy* proxy;
};

// Sends `request` (but for its URL) to `target` and blocks for at most `limit`. Errors are those of
// HttpsClient::Send(). `curl` must have sent to `target.url.origin` only; after an error it must
// not be used again.
absl::StatusOr<HttpsAnswer> Transfer(CURL* curl, const HttpsClientOptions& options,
                                     const Target& target, const HttpsRequest& request,
                                     absl::Duration limit);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_TRANSFER_H_
