// HTTPS to login hosts, and to nothing else.
#ifndef KEYWARD_CLIENT_HTTPS_HTTPS_CLIENT_H_
#define KEYWARD_CLIENT_HTTPS_HTTPS_CLIENT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/https/login_hosts.h"
#include "common/secret.h"

namespace keyward::client {

struct HttpsClientOptions {
  // For the name look-up and the TCP and TLS handshakes.
  absl::Duration connect_timeout = absl::Seconds(5);
  // For the whole exchange of a request and its answer.
  absl::Duration total_timeout = absl::Seconds(30);
  // A longer body is refused unread, 1 to 16 MiB.
  size_t max_response_bytes = 64 << 10;
  // PEM file with the CAs to trust in place of the system's, for hosts and for an https:// proxy;
  // empty for those.
  std::string ca_file = {};
  // "http://", "https://" or "socks5h://" [user ":" password "@"] host [":" port], for all hosts.
  // Empty for none. Without a value the usual variables count, as they are at New(): https_proxy,
  // HTTPS_PROXY, all_proxy, ALL_PROXY, except for the hosts in no_proxy or NO_PROXY.
  std::optional<std::string> proxy = std::nullopt;
  LoginHosts hosts = LoginHosts();
};

// How long each step took; zero for those that a reused connection spares.
struct HttpsTimes {
  absl::Duration name_lookup;
  absl::Duration connect;
  absl::Duration tls;
  // With the above, the request and the whole answer.
  absl::Duration total;
  bool reused = false;
};

struct HttpsRequest {
  enum class Method { kGet, kHead, kPost };
  Method method = Method::kGet;
  // As for LoginHosts::CheckWithPath().
  std::string url;
  // What kPost sends, as application/x-www-form-urlencoded.
  Secret form;
  // Access token for the header Authorization (RFC 6750 section 2.1), or none. It must outlive the
  // call.
  const Secret* bearer = nullptr;
  // Looks the name up, connects and makes a whole TLS handshake even where a connection is kept.
  bool fresh = false;
};

struct HttpsAnswer {
  int status = 0;
  // Where a 3xx answer points to; empty otherwise.
  std::string location;
  Secret body;
  // The header Date (RFC 9110 section 6.6.1).
  std::optional<absl::Time> date;
  // The header Retry-After (RFC 9110 section 10.2.3); one that names a time counts from `date`, or
  // from our clock where there is none. Not negative.
  std::optional<absl::Duration> retry_after;
  HttpsTimes times;
  // 1 or 2.
  int http_version = 1;
};

// Connections, name look-ups and TLS sessions are kept for the next request. Safe to use from many
// threads, each of which blocks in its own calls.
//
// TLS 1.2 or later with the host's certificate and name verified, always; https only; HTTP/2 where
// the host offers it; no redirects, no cookies, no .netrc. A host that is reached without a proxy
// and is not one of the private ones is connected to at public addresses only: each address is
// looked at when a socket is about to be opened for it. Through a proxy it is the proxy that looks
// names up, and that decides what is reached.
class HttpsClient {
 public:
  // INVALID_ARGUMENT OPTIONS_INVALID where an option is out of range, `proxy` (or the variable) is
  // not as above or `ca_file` holds no certificate; the system's error where it cannot be read.
  static absl::StatusOr<std::unique_ptr<HttpsClient>> New(HttpsClientOptions options);
  ~HttpsClient();
  HttpsClient(const HttpsClient&) = delete;
  HttpsClient& operator=(const HttpsClient&) = delete;

  // Blocks until the answer, `deadline` or the total timeout, whichever is first. An answer of any
  // status is a success. What was sent is sent again only where a kept connection turns out to be
  // closed before one byte of an answer. No error holds the form, the bearer token, anything of the
  // body, or the proxy's user and password.
  //
  // Errors:
  //   those of LoginHosts::CheckWithPath()
  //   INVALID_ARGUMENT BEARER_MALFORMED            not printable ASCII without spaces
  //   FAILED_PRECONDITION LOGIN_HOST_PRIVATE       the name has none but private addresses
  //   FAILED_PRECONDITION LOGIN_HOST_NOT_TRUSTED   its certificate or name, or the proxy's
  //   FAILED_PRECONDITION RESPONSE_TOO_LARGE
  //   FAILED_PRECONDITION PROXY_REFUSED            the proxy answered with a 4xx status
  //   UNAVAILABLE LOGIN_HOST_UNKNOWN               the name does not resolve
  //   UNAVAILABLE LOGIN_HOST_UNREACHABLE           no connection, or it broke
  //   DEADLINE_EXCEEDED LOGIN_HOST_TIMEOUT
  // UNAVAILABLE and DEADLINE_EXCEEDED may be tried again.
  absl::StatusOr<HttpsAnswer> Send(const HttpsRequest& request,
                                   absl::Time deadline = absl::InfiniteFuture());

  const LoginHosts& hosts() const;

 private:
  class Impl;
  explicit HttpsClient(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_HTTPS_HTTPS_CLIENT_H_
