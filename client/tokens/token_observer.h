// What the token cache tells about itself, for metrics.
#ifndef KEYWARD_CLIENT_TOKENS_TOKEN_OBSERVER_H_
#define KEYWARD_CLIENT_TOKENS_TOKEN_OBSERVER_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/tokens/login.h"

namespace keyward::client {

// How a call for a token was served.
enum class CallKind {
  // From the cache.
  kHit,
  // It began a login.
  kLogin,
  // It waited for a login that was under way.
  kJoined,
  // A failure that is remembered was its answer.
  kRefusedFromMemory,
  // No login was tried: the connection or its subject is not right, the deadline had
  // passed, too many waited, or the process shuts down.
  kRefused,
};

// Why a login was made.
enum class LoginCause {
  // There was no token, or it had ended.
  kMiss,
  // The token comes to its end, and is in use.
  kRefresh,
  // A caller said that an API refused the token.
  kRejected,
};

// Every call of it comes from the thread that it is about, several at once, with no
// lock held. None may block or throw.
class TokenObserver {
 public:
  virtual ~TokenObserver() = default;

  // Once for every call, when it is answered; `waited` since it came.
  virtual void OnCall(CallKind kind, const absl::Status& outcome, absl::Duration waited) {
    (void)kind, (void)outcome, (void)waited;
  }

  // Once for every try to log in.
  virtual void OnLogin(LoginCause cause, const absl::Status& outcome, const LoginTimes& times) {
    (void)cause, (void)outcome, (void)times;
  }
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_TOKEN_OBSERVER_H_
