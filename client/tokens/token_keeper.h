// What AccessTokens does: who waits for what, what is logged in when, and what is
// remembered of it. Internal to client/tokens.
//
// The way of a call that Find() cannot serve:
//   Get() → settings of the connection (at once, or in a Resolution)
//         → Admit(): the subject, its entry, what is remembered there
//         → a LoginFlight, the one under way or a new one
//         → Deliver()
#ifndef KEYWARD_CLIENT_TOKENS_TOKEN_KEEPER_H_
#define KEYWARD_CLIENT_TOKENS_TOKEN_KEEPER_H_

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/random/random.h"
#include "client/tokens/access_tokens.h"
#include "client/tokens/token_cache.h"
#include "client/tokens/waiting.h"
#include "common/mutex.h"

namespace keyward::client {

// A login under way for an entry, with all its tries.
struct LoginFlight {
  enum class State { kQueued, kRunning, kPausing };

  // Null once it is over.
  CacheEntry* entry = nullptr;
  LoginCause cause = LoginCause::kMiss;
  State state = State::kQueued;
  Scheduler::Priority priority = Scheduler::Priority::kForeground;
  // Since when it waits for a thread.
  absl::Time queued;
  WaitList waiters;
  // CacheEntry::identity as of the settings of this try.
  size_t identity = 0;
  // Of the call that began it.
  std::string on_behalf_of;
  std::string traceparent;
};

// The logins of one connection that have a thread, and those that wait for one of them
// to end, by their priority.
struct RunningLogins {
  int running = 0;
  std::array<std::deque<std::shared_ptr<LoginFlight>>, 2> held;
};

// The question for a connection's settings, with all its tries.
struct Resolution {
  WaitList waiters;
  int failures = 0;
};

class AccessTokens::Keeper {
 public:
  Keeper(AccessTokensParts parts, const AccessTokensOptions& options, TokenObserver* observer);
  ~Keeper();

  Token Find(const TokenRequest& request);
  Waiter Get(TokenRequest request, absl::Time deadline, Done done);
  void Cancel(const Waiter& waiter);
  void ForgetRefusal(const std::string& connection, const std::string& subject);
  void Drain(absl::Time deadline);
  AccessTokensStats stats() const;

 private:
  using Settings = ConnectionDirectory::Settings;
  using FlightPtr = std::shared_ptr<LoginFlight>;
  using ResolutionPtr = std::shared_ptr<Resolution>;
  using Answers = std::vector<Answer>;

  // Calls, in token_keeper.cc.
  absl::Status Begin(const WaitingCallPtr& call, Answers& answers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Admit(const WaitingCallPtr& call, const absl::StatusOr<Settings>& settings, Answers& answers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<CacheEntry*> EntryFor(const TokenRequest& request,
                                       const v1::Connection& connection)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status DropRejected(const TokenRequest& request, CacheEntry& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Calls that wait, in token_keeper_waiting.cc.
  void Await(const WaitingCallPtr& call, WaitList& list) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // It waits no more.
  void Leave(const WaitingCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Expire(const WaitingCallPtr& call);
  // Answers `call` where it still waits, with what `outcome` makes of the last failure.
  void GiveUp(const WaitingCallPtr& call, absl::Status (*outcome)(const absl::Status& failure));
  void AnswerAll(std::vector<WaitingCallPtr> calls, const absl::StatusOr<Token>& outcome,
                 Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Deliver(Answers answers);

  // Connections' settings, in token_keeper_settings.cc.
  void Resolve(const std::string& connection, const WaitingCallPtr& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueResolution(const std::string& connection);
  void RunResolution(const std::string& connection);
  void LandResolution(const std::string& connection, const absl::StatusOr<Settings>& settings,
                      Answers& answers) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Learns from settings just seen: a change forgets the failure, drops a token that
  // another app or org has granted, and may make the entry the default or not.
  void Learn(CacheEntry& entry, const v1::Connection& connection)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Tokens whose connection has changed, in token_keeper_settings.cc. A hit asks nobody,
  // so one with settings that were seen long ago has them looked at in the background.
  bool NeedsCheck(const CacheEntry& entry, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void QueueCheck(CacheEntry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunCheck();
  void LandCheck(CacheEntry& entry, const absl::StatusOr<Settings>& settings)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Logins, in token_keeper_logins.cc.
  LoginFlight& BeginFlight(CacheEntry& entry, LoginCause cause)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Queue(const FlightPtr& flight, Scheduler::Priority priority)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Pause(const FlightPtr& flight) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Resume(const FlightPtr& flight);
  void RunFlight(const FlightPtr& flight);
  // Whether `flight` may keep the thread that it is on; where not it is held until
  // another of its connection has ended.
  bool TakePlace(const FlightPtr& flight) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GivePlaceBack(const std::string& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Queues the next one that is held, where there is a place for it.
  void WakeHeld(const std::string& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<LoginResult> LogIn(const FlightPtr& flight, LoginRequest request,
                                    const std::string& connection, absl::Time deadline,
                                    LoginTimes& times);
  void LandSuccess(const FlightPtr& flight, LoginResult result, Answers& answers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LandFailure(const FlightPtr& flight, const absl::Status& failure, Answers& answers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether the work that `waiters` wait for is not to begin any more: at the end nobody wants its
  // result.
  bool IsPointless(const WaitList& waiters) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndFlight(const FlightPtr& flight) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // What is due, in token_keeper_logins.cc.
  void SetDue(CacheEntry& entry, absl::Time due) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetAlarm() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnAlarm();
  void AttendTo(CacheEntry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Time Now() const { return scheduler_->Now(); }

  const AccessTokensOptions options_;
  const std::shared_ptr<Login> login_;
  const std::shared_ptr<ConnectionDirectory> connections_;
  TokenObserver* const observer_;
  // Its tasks have this object's address, so it is stopped before this dies.
  const std::unique_ptr<Scheduler> scheduler_;

  mutable Mutex mutex_;
  absl::BitGen random_ ABSL_GUARDED_BY(mutex_);
  TokenCache cache_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<FlightPtr> flights_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, ResolutionPtr> resolutions_ ABSL_GUARDED_BY(mutex_);
  // By connection; only those that log in.
  absl::flat_hash_map<std::string, RunningLogins> running_ ABSL_GUARDED_BY(mutex_);
  // Connections to look at, with their subjects that were asked for. One is looked at
  // at a time, so that a slow signer does not hold all threads.
  absl::btree_map<std::string, std::vector<std::string>> checks_ ABSL_GUARDED_BY(mutex_);
  bool checking_ ABSL_GUARDED_BY(mutex_) = false;
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  // The same by connection; only those where there are any.
  absl::flat_hash_map<std::string, size_t> waiting_of_ ABSL_GUARDED_BY(mutex_);
  // The timer for cache_.NextDue().
  Scheduler::Timer alarm_ ABSL_GUARDED_BY(mutex_){absl::InfiniteFuture(), 0};
  // No new calls that need a login; then not even for calls that wait already.
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_TOKEN_KEEPER_H_
