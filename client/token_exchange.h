// The exchange of a signed assertion for a Salesforce access token: the JWT
// bearer grant of RFC 7523 section 2.1, over HTTPS.
#ifndef KEYWARD_CLIENT_TOKEN_EXCHANGE_H_
#define KEYWARD_CLIENT_TOKEN_EXCHANGE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/https/https_client.h"
#include "common/secret.h"

namespace keyward::client {

// What Salesforce granted.
struct AccessToken {
  // Sent as "Authorization: Bearer …". Printable ASCII without spaces.
  Secret token;
  // Origin of the org's APIs, "https://…".
  std::string instance_url;
  // "https://…/id/<organization>/<user>"; empty where the answer has none.
  std::string id;
  // Granted scopes, separated by spaces; empty where the answer has none.
  std::string scope;
  // The `exp` of a token in JWT format (RFC 9068 section 2.2), as the token says it: no signature
  // is verified. An opaque token does not say how long it lives: that is the org's session policy.
  std::optional<absl::Time> expires = std::nullopt;
};

// The key (see MetadataOf()) under which the error of an answer that is not a token, 5xx and 429
// and refusals with a JSON body, has its HTTP status. An error of the transport has none.
inline constexpr char kHttpStatusKey[] = "http_status";

// Posts to login hosts. Safe to use from many threads.
class TokenExchange {
 public:
  // INVALID_ARGUMENT OPTIONS_INVALID where `https` is null.
  static absl::StatusOr<std::unique_ptr<TokenExchange>> New(std::shared_ptr<HttpsClient> https);
  ~TokenExchange();
  TokenExchange(const TokenExchange&) = delete;
  TokenExchange& operator=(const TokenExchange&) = delete;

  // Posts `assertion` (a JWS in compact serialization) to `login_url` (as for LoginHosts::Check())
  // + /services/oauth2/token and blocks until the answer, `deadline` or the client's total timeout,
  // whichever is first. No error holds the assertion or a token. `times`, where it is given, gets
  // how long an exchange took that was answered, granted or refused.
  //
  // Errors:
  //   those of MakeSalesforceError()        Salesforce refused
  //   those of LoginHosts::Check() and HttpsClient::Send()
  //   INVALID_ARGUMENT ASSERTION_MALFORMED
  //   UNAVAILABLE SALESFORCE_TRANSIENT      a 5xx or 429 answer; with RetryDelayOf(), from 1 s to
  //     1 h, where it says when to come back (Retry-After)
  //   FAILED_PRECONDITION LOGIN_HOST_REDIRECTS     use the URL it names
  //   FAILED_PRECONDITION RESPONSE_MALFORMED       most likely not a Salesforce login host
  // UNAVAILABLE and DEADLINE_EXCEEDED may be tried again. Refusals, 5xx and 429 have
  // kHttpStatusKey.
  absl::StatusOr<AccessToken> Exchange(absl::string_view login_url, const Secret& assertion,
                                       absl::Time deadline = absl::InfiniteFuture(),
                                       HttpsTimes* times = nullptr);

 private:
  explicit TokenExchange(std::shared_ptr<HttpsClient> https);

  const std::shared_ptr<HttpsClient> https_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKEN_EXCHANGE_H_
