#include "client/tokens/token_keeper.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/claims_for_connection.h"
#include "client/tokens/token_lifetime.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// For those who came when there was no room.
constexpr absl::Duration kComeBackAfter = absl::Seconds(1);
// One connection's part of the calls that may wait.
constexpr size_t kPartOfOne = 8;

// In a time that does not depend on where they differ.
bool SameToken(const Secret& a, const Secret& b) {
  const absl::string_view left = a.Expose();
  const absl::string_view right = b.Expose();
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

bool IsRejected(const TokenRequest& request, const CachedToken& token) {
  return !request.rejected.empty() && SameToken(request.rejected, token.granted.token);
}

absl::Status CheckSubject(const TokenRequest& request, absl::string_view subject) {
  return request.check_subject == nullptr ? absl::OkStatus() : request.check_subject(subject);
}

absl::Status TooManyWaiting() {
  return WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, "TOO_MANY_WAITING",
                              "too many calls wait for logins: call again later"),
                        kComeBackAfter);
}

absl::Status ShuttingDown() {
  return Error(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
               "this process is shutting down: call again, another one will answer");
}

}  // namespace

AccessTokens::Keeper::Keeper(AccessTokensParts parts, const AccessTokensOptions& options,
                             TokenObserver* observer)
    : options_(options),
      login_(std::move(parts.login)),
      connections_(std::move(parts.connections)),
      observer_(observer),
      scheduler_(std::move(parts.scheduler)),
      cache_(options.max_entries) {}

AccessTokens::Keeper::~Keeper() {
  Drain(absl::InfinitePast());
  scheduler_->Stop();
}

AccessTokens::Token AccessTokens::Keeper::Find(const TokenRequest& request) {
  const absl::Time now = Now();
  Token token;
  {
    MutexLock lock(&mutex_);
    CacheEntry* const entry = cache_.Find(request.connection, request.subject);
    if (entry == nullptr || entry->token == nullptr || entry->token->ends <= now ||
        IsRejected(request, *entry->token) || !CheckSubject(request, entry->subject).ok()) {
      return nullptr;
    }
    cache_.Touch(*entry);
    entry->used = true;
    if (entry->refresh_when_used && !entry->flight && !draining_) {
      entry->refresh_when_used = false;
      BeginFlight(*entry, LoginCause::kRefresh);
      Queue(entry->flight, Scheduler::Priority::kBackground);
    }
    if (NeedsCheck(*entry, now)) QueueCheck(*entry);
    token = entry->token;
  }
  if (observer_ != nullptr) {
    observer_->OnCall(CallKind::kHit, absl::OkStatus(), absl::ZeroDuration());
  }
  return token;
}

AccessTokens::Waiter AccessTokens::Keeper::Get(TokenRequest request, absl::Time deadline,
                                               Done done) {
  if (Token token = Find(request)) {
    done(std::move(token));
    return {};
  }
  const absl::Time now = Now();
  auto call = std::make_shared<WaitingCall>();
  call->request = std::move(request);
  call->since = now;
  call->deadline = now + std::min(deadline - scheduler_->WallNow(), options_.longest_wait);
  call->done = std::move(done);
  Answers answers;
  {
    MutexLock lock(&mutex_);
    if (absl::Status refused = Begin(call, answers); !refused.ok()) {
      answers.push_back({call, std::move(refused)});
    }
  }
  Deliver(std::move(answers));
  return call;
}

absl::Status AccessTokens::Keeper::Begin(const WaitingCallPtr& call, Answers& answers) {
  if (draining_) return ShuttingDown();
  if (call->deadline <= call->since) return DeadlinePassed(absl::OkStatus());
  const std::string& connection = call->request.connection;
  const auto waiting = waiting_of_.find(connection);
  if (waiting != waiting_of_.end() &&
      waiting->second >= std::max<size_t>(options_.max_waiting / kPartOfOne, 1)) {
    return TooManyWaiting();
  }
  if (waiting_ >= options_.max_waiting) return TooManyWaiting();
  if (CacheEntry* const entry = cache_.Find(connection, call->request.subject)) {
    // Before the signer is asked, so that nobody gets a dead token meanwhile. What this
    // caller may not have stays as it is: Admit() refuses, for the subject may be another
    // one by now.
    call->kind = CallKind::kRefusedFromMemory;
    if (CheckSubject(call->request, entry->subject).ok()) {
      RETURN_IF_ERROR(DropRejected(call->request, *entry));
    }
  }
  if (const auto settings = connections_->Peek(connection)) {
    Admit(call, *settings, answers);
  } else {
    Resolve(connection, call);
  }
  return absl::OkStatus();
}

void AccessTokens::Keeper::Admit(const WaitingCallPtr& call,
                                 const absl::StatusOr<Settings>& settings, Answers& answers) {
  const auto answer = [&](CallKind kind, absl::StatusOr<Token> outcome) {
    call->kind = kind;
    answers.push_back({call, std::move(outcome)});
  };
  if (!settings.ok()) return answer(CallKind::kRefused, settings.status());
  const absl::StatusOr<CacheEntry*> found = EntryFor(call->request, **settings);
  if (!found.ok()) return answer(CallKind::kRefused, found.status());
  CacheEntry& entry = **found;
  const absl::Time now = Now();
  if (absl::Status again = DropRejected(call->request, entry); !again.ok()) {
    return answer(CallKind::kRefusedFromMemory, std::move(again));
  }
  if (entry.token != nullptr && entry.token->ends > now) {
    entry.used = true;
    return answer(CallKind::kHit, entry.token);
  }
  const bool remembered = !entry.failure.ok() && now < entry.failure_until;
  const bool tried_in_time = IsPassing(entry.failure) && call->deadline > entry.failure_until;
  const bool is_working = entry.flight && entry.flight->state != LoginFlight::State::kPausing;
  if (remembered && !is_working && !tried_in_time) {
    return answer(CallKind::kRefusedFromMemory,
                  AsAnswered(entry.failure, entry.failure_until, now));
  }
  call->kind = entry.flight ? CallKind::kJoined : CallKind::kLogin;
  if (!entry.flight) {
    LoginFlight& flight =
        BeginFlight(entry, entry.rejected ? LoginCause::kRejected : LoginCause::kMiss);
    flight.on_behalf_of = call->request.on_behalf_of;
    flight.traceparent = call->request.traceparent;
    if (remembered) Pause(entry.flight);
  }
  // A refresh that waits behind others is urgent now, and what was forgotten since it
  // failed is tried at once.
  const bool is_running = entry.flight->state == LoginFlight::State::kRunning;
  if (!is_running && (is_working || !remembered)) {
    Queue(entry.flight, Scheduler::Priority::kForeground);
  }
  Await(call, entry.flight->waiters);
}

absl::StatusOr<CacheEntry*> AccessTokens::Keeper::EntryFor(const TokenRequest& request,
                                                           const v1::Connection& connection) {
  ASSIGN_OR_RETURN(const std::string subject, SubjectOf(connection, request.subject));
  RETURN_IF_ERROR(CheckSubject(request, subject));
  CacheEntry* const entry = cache_.FindOrAdd(request.connection, subject);
  if (entry == nullptr) return TooManyWaiting();
  cache_.Touch(*entry);
  Learn(*entry, connection);
  return entry;
}

absl::Status AccessTokens::Keeper::DropRejected(const TokenRequest& request, CacheEntry& entry) {
  if (entry.token == nullptr || !IsRejected(request, *entry.token)) return absl::OkStatus();
  const absl::Time again = entry.token->made + options_.rejection_pause;
  if (entry.token->after_rejection && Now() < again) {
    return WithRetryDelay(
        Error(absl::StatusCode::kFailedPrecondition, "TOKEN_REJECTED_AGAIN",
              "the token was made anew a moment ago because its predecessor was rejected, and is "
              "rejected as well: see the user's API access, the app's scopes and the org's session "
              "settings, such as sessions locked to an address"),
        again - Now());
  }
  cache_.SetToken(entry, nullptr);
  entry.rejected = true;
  if (entry.flight) entry.flight->cause = LoginCause::kRejected;
  return absl::OkStatus();
}

void AccessTokens::Keeper::ForgetRefusal(const std::string& connection,
                                         const std::string& subject) {
  MutexLock lock(&mutex_);
  CacheEntry* const entry = cache_.Find(connection, subject);
  // While a login is under way, what it is told next counts.
  if (entry == nullptr || entry->flight != nullptr || IsPassing(entry->failure)) return;
  entry->failure = absl::OkStatus();
  entry->failure_until = absl::InfinitePast();
  entry->failures = 0;
}

void AccessTokens::Keeper::Drain(absl::Time deadline) {
  const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return flights_.empty() && resolutions_.empty();
  };
  Answers answers;
  {
    MutexLock lock(&mutex_);
    draining_ = true;
    mutex_.AwaitWithTimeout(idle, deadline - scheduler_->WallNow());
    stopped_ = true;
    for (const FlightPtr& flight : flights_) {
      AnswerAll(flight->waiters.TakeAll(), ShuttingDown(), answers);
    }
    for (const auto& [connection, resolution] : resolutions_) {
      AnswerAll(resolution->waiters.TakeAll(), ShuttingDown(), answers);
    }
  }
  Deliver(std::move(answers));
}

AccessTokensStats AccessTokens::Keeper::stats() const {
  MutexLock lock(&mutex_);
  return {.entries = cache_.size(),
          .tokens = cache_.tokens(),
          .waiting = waiting_,
          .logins = flights_.size()};
}

}  // namespace keyward::client
