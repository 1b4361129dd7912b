// One login: what stands between a cache miss and an access token.
#ifndef KEYWARD_CLIENT_TOKENS_LOGIN_H_
#define KEYWARD_CLIENT_TOKENS_LOGIN_H_

#include <keyward/v1/connections.pb.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/token_exchange.h"

namespace keyward::client {

struct LoginRequest {
  // The settings to log in with.
  std::shared_ptr<const v1::Connection> connection;
  // One of the connection's subjects.
  std::string subject;
  // The identity on whose behalf, for the signer's audit log; empty for none.
  std::string on_behalf_of;
  // W3C Trace Context, passed on to the signer; empty for none.
  std::string traceparent;
};

// Where the time of a login went.
struct LoginTimes {
  // Until a thread was free for it.
  absl::Duration queue;
  // In calls to the signer.
  absl::Duration signer;
  // In POSTs to the login host.
  absl::Duration network;
  // How many POSTs there were.
  int posts = 0;
};

struct LoginResult {
  AccessToken granted;
  // The `aud` that Salesforce accepted.
  std::string audience;
};

// Thread-safe. An interface, so that what the cache does can be tested without
// a signer and a login host.
class Login {
 public:
  virtual ~Login() = default;

  // Logs in once and blocks, until `deadline` of the wall clock at most. Adds to `times`, which is
  // not null, for failures too.
  //
  // UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, CANCELLED, UNKNOWN
  // and INTERNAL errors are passing: another try may succeed, not before
  // RetryDelayOf() where the error has one. All others are refusals that last until
  // somebody changes something.
  virtual absl::StatusOr<LoginResult> Run(const LoginRequest& request, absl::Time deadline,
                                          LoginTimes* times) = 0;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_LOGIN_H_
