// The exchange of a signed assertion for a Salesforce access token: the JWT
// bearer grant of RFC 7523 section 2.1, over HTTPS.
#ifndef KEYWARD_CLIENT_TOKEN_EXCHANGE_H_
#define KEYWARD_CLIENT_TOKEN_EXCHANGE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/secret.h"

namespace keyward::client {

struct TokenExchangeOptions {
  // For the name look-up and the TCP and TLS handshakes.
  absl::Duration connect_timeout = absl::Seconds(5);
  // For the whole exchange.
  absl::Duration total_timeout = absl::Seconds(30);
  // A longer answer is refused unread, 1 to 16 MiB.
  size_t max_response_bytes = 64 << 10;
  // PEM file with the CAs to trust in place of the system's; empty for those.
  std::string ca_file = {};
};

// What Salesforce granted. It does not say how long the token lives: that is
// the org's session policy.
struct AccessToken {
  // Sent as "Authorization: Bearer …". Printable ASCII without spaces.
  Secret token;
  // Origin of the org's APIs, "https://…".
  std::string instance_url;
  // "https://…/id/<organization>/<user>"; empty where the answer has none.
  std::string id;
  // Granted scopes, separated by spaces; empty where the answer has none.
  std::string scope;
  // The `exp` of a token in JWT format (RFC 9068); nothing for others.
  std::optional<absl::Time> expires = std::nullopt;
};

// Posts to login hosts. Each exchange has a connection of its own: they are
// rare, since a token serves for hours. Safe to use from many threads.
//
// TLS 1.2 or later with the host's certificate and name verified, always;
// https only; redirects are not followed. The usual proxy variables
// (https_proxy, no_proxy) are honoured.
class TokenExchange {
 public:
  // INVALID_ARGUMENT OPTIONS_INVALID where an option is out of range or
  // `ca_file` holds no certificate; the system's error where it cannot be read.
  static absl::StatusOr<std::unique_ptr<TokenExchange>> New(const TokenExchangeOptions& options);
  ~TokenExchange();
  TokenExchange(const TokenExchange&) = delete;
  TokenExchange& operator=(const TokenExchange&) = delete;

  // Posts `assertion` (a JWS in compact serialization) to `login_url` (an
  // origin: "https://" host [":" port]) + /services/oauth2/token and blocks
  // until the answer, `deadline` or the total timeout, whichever is first.
  // Nothing is sent twice. No error holds the assertion or a token.
  //
  // Errors:
  //   those of MakeSalesforceError()        Salesforce refused
  //   INVALID_ARGUMENT LOGIN_URL_INVALID, ASSERTION_MALFORMED
  //   DEADLINE_EXCEEDED LOGIN_HOST_TIMEOUT
  //   UNAVAILABLE LOGIN_HOST_UNREACHABLE    no connection, or it broke
  //   UNAVAILABLE SALESFORCE_TRANSIENT      a 5xx or 429 answer
  //   FAILED_PRECONDITION LOGIN_HOST_NOT_TRUSTED   its certificate or name
  //   FAILED_PRECONDITION LOGIN_HOST_REDIRECTS     use the URL it names
  //   FAILED_PRECONDITION RESPONSE_TOO_LARGE, RESPONSE_MALFORMED   most likely
  //     not a Salesforce login host
  // UNAVAILABLE and DEADLINE_EXCEEDED may be tried again.
  absl::StatusOr<AccessToken> Exchange(absl::string_view login_url, const Secret& assertion,
                                       absl::Time deadline = absl::InfiniteFuture());

 private:
  explicit TokenExchange(TokenExchangeOptions options);

  const TokenExchangeOptions options_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKEN_EXCHANGE_H_
