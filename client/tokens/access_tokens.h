// An access token in one call.
#ifndef KEYWARD_CLIENT_TOKENS_ACCESS_TOKENS_H_
#define KEYWARD_CLIENT_TOKENS_ACCESS_TOKENS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/tokens/cached_token.h"
#include "client/tokens/connection_directory.h"
#include "client/tokens/login.h"
#include "client/tokens/scheduler.h"
#include "client/tokens/token_observer.h"
#include "common/secret.h"

namespace keyward::client {

struct WaitingCall;

struct TokenRequest {
  // Name of the connection.
  std::string connection;
  // One of its subjects; empty where it has exactly one.
  std::string subject;
  // A token of ours that an API refused with 401 INVALID_SESSION_ID; empty for none.
  Secret rejected = {};
  // The identity on whose behalf, for the signer's audit log; empty for none.
  std::string on_behalf_of = {};
  // W3C Trace Context, passed on to the signer; empty for none.
  std::string traceparent = {};
  // Asked with the subject once it is known, before a token of it is given, dropped or
  // made; its error is the answer. For a call whose `subject` is empty, where the caller
  // may not have the token of everyone. Must neither block nor call back. Null: yes.
  std::function<absl::Status(absl::string_view subject)> check_subject = nullptr;
};

struct AccessTokensOptions {
  // How long a token is used. Salesforce does not say how long it lives: the org's
  // session policy does, 15 minutes to 24 hours, 2 hours by default.
  absl::Duration token_lifetime = absl::Hours(1);
  // A token in use is made anew at a point of its lifetime that is chosen at random
  // between these, so that not all come due at once. 0 to 1.
  double refresh_from = 0.75;
  double refresh_to = 0.90;
  // How much earlier a token with an `exp` of its own ends for us, for clocks that
  // differ and requests under way; a tenth of what is left where that is less.
  absl::Duration expiry_margin = absl::Minutes(1);
  // Tokens kept; the one not used for longest makes room.
  size_t max_entries = 20000;
  // Calls that wait at once; of one connection an eighth of them, 1 at least, so that
  // one whose logins take long leaves room for the others.
  size_t max_waiting = 20000;
  // Logins of one connection that run at once, 1 or more; its others wait without a
  // thread. A silent host holds each of its threads for login_timeout, so this should be a
  // part of the scheduler's. By connection and not by host, for all tenants share
  // Salesforce's, and one must not use up the part of the others.
  int max_logins_of_connection = 8;
  // For one try to log in: never more, and never less than the second, however short
  // the deadlines of those who wait, so that callers in a hurry do not spoil the login
  // for each other. In between it is the longest waiter's deadline.
  absl::Duration login_timeout = absl::Seconds(30);
  absl::Duration least_login_time = absl::Seconds(10);
  // No call waits longer, whatever its deadline.
  absl::Duration longest_wait = absl::Minutes(2);
  // How long a refusal that only a change can cure is answered from memory. A
  // connection that has changed is tried at once.
  absl::Duration refusal_memory = absl::Minutes(1);
  // A token made because its predecessor was rejected, and rejected itself within this
  // time, is not made again before: each rejection would cost a login, for ever.
  absl::Duration rejection_pause = absl::Minutes(1);
  // Between tries after a passing failure: doubled each time, shortened at random by up
  // to half; longer where the failure says so.
  absl::Duration initial_backoff = absl::Milliseconds(500);
  absl::Duration max_backoff = absl::Minutes(1);
};

struct AccessTokensParts {
  // Where logins and timers run. It is AccessTokens' own, and dies with it.
  std::unique_ptr<Scheduler> scheduler;
  std::shared_ptr<Login> login;
  std::shared_ptr<ConnectionDirectory> connections;
};

struct AccessTokensStats {
  // (connection, subject) pairs in memory, and those of them that have a token.
  size_t entries = 0;
  size_t tokens = 0;
  // Calls that wait.
  size_t waiting = 0;
  // Logins queued, running or waiting to be tried again.
  size_t logins = 0;
};

// The cache of access tokens. One serves a whole process; thread-safe.
//
// A token is kept for each (connection, subject). A call without a subject shares the
// entry of the connection's only one. One login is under way for an entry however many
// callers wait; each is answered at its own deadline at the latest, and one that leaves
// does not cancel the login for the others. A token in use is made anew in the
// background before it ends; where that fails it serves until its end.
//
// Deadlines and `expires` are of the wall clock, all waits and lifetimes of the
// scheduler's: a wall clock that is set moves none of them.
//
// Refusals are remembered, passing failures are tried again as long as a waiting
// caller's deadline allows (see AccessTokensOptions).
//
// Errors, in addition to those of Login and of ConnectionDirectory::Get(); a
// RetryDelayOf() says when another call can help:
//   INVALID_ARGUMENT SUBJECT_AMBIGUOUS      the connection has several: choose one
//   FAILED_PRECONDITION NO_SUBJECT          the connection has none
//   PERMISSION_DENIED SUBJECT_NOT_ALLOWED   not one of the connection's subjects
//   FAILED_PRECONDITION TOKEN_REJECTED_AGAIN   see `rejection_pause`
//   RESOURCE_EXHAUSTED TOO_MANY_WAITING     in all, or of this connection
//   CANCELLED CALLER_LEFT                   see Cancel()
//   DEADLINE_EXCEEDED DEADLINE_PASSED
//   UNAVAILABLE SHUTTING_DOWN
class AccessTokens {
 public:
  using Token = std::shared_ptr<const CachedToken>;
  // Called exactly once. Must not block: it may run on the thread of all timers.
  using Done = std::function<void(absl::StatusOr<Token>)>;
  // A call that may wait still; for Cancel(). May outlive everything.
  using Waiter = std::weak_ptr<WaitingCall>;

  // `observer` may be null, and must outlive the tokens. INVALID_ARGUMENT
  // OPTIONS_INVALID names the option.
  static absl::StatusOr<std::unique_ptr<AccessTokens>> New(AccessTokensParts parts,
                                                           const AccessTokensOptions& options,
                                                           TokenObserver* observer = nullptr);
  // Answers those who wait with SHUTTING_DOWN, and waits for logins under way: for at
  // most `login_timeout`.
  ~AccessTokens();
  AccessTokens(const AccessTokens&) = delete;
  AccessTokens& operator=(const AccessTokens&) = delete;

  // The cached token, or null where it takes a login or check_subject() says no. Neither waits nor
  // asks anyone: one lock, one look-up. A rejected token is never the answer.
  Token Find(const TokenRequest& request);

  // Calls `done` with a token or an error, on any thread, this one too, at `deadline`
  // at the latest. The result is for Cancel(); `done` may have been called by then.
  Waiter Get(TokenRequest request, absl::Time deadline, Done done);

  // For a caller that has left: where the call still waits its place is given to others,
  // and its `done` is called with CANCELLED CALLER_LEFT before this returns. Else does
  // nothing: `done` has been called, or is by another thread. A login under way goes on.
  void Cancel(const Waiter& waiter);

  // The same, blocking. Not to be called by a task of the scheduler.
  absl::StatusOr<Token> Get(TokenRequest request, absl::Time deadline);

  // Whoever tried has seen that a login works: a refusal that is remembered for this
  // connection and subject (empty for its only one) is not any more.
  void ForgetRefusal(const std::string& connection, const std::string& subject);

  // Begins no more logins; calls that need one are refused with SHUTTING_DOWN. Waits
  // until those under way are over, or until `deadline`: then calls that still wait are
  // answered with SHUTTING_DOWN.
  void Drain(absl::Time deadline);

  AccessTokensStats stats() const;

 private:
  class Keeper;
  explicit AccessTokens(std::unique_ptr<Keeper> keeper);

  const std::unique_ptr<Keeper> keeper_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_ACCESS_TOKENS_H_
