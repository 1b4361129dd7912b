// The part of token_keeper that works: logins, and what is due.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "client/claims_for_connection.h"
#include "client/tokens/token_keeper.h"
#include "client/tokens/token_lifetime.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::client {
namespace {

// A refused refresh is tried again at most that late while its old token serves.
constexpr absl::Duration kLongestRefreshPause = absl::Hours(1);

// Whether `failure` says that nobody may have this token any more, so that the one
// from before may not serve to its end either.
bool EndsTheToken(const absl::Status& failure) {
  const std::optional<std::string> reason = ReasonOf(failure);
  return absl::IsNotFound(failure) || reason == "SUBJECT_NOT_ALLOWED" || reason == "NO_SUBJECT";
}

absl::Status ConnectionChanged() {
  return Error(absl::StatusCode::kAborted, "CONNECTION_CHANGED",
               "the connection was changed during the login: call again");
}

}  // namespace

LoginFlight& AccessTokens::Keeper::BeginFlight(CacheEntry& entry, LoginCause cause) {
  auto flight = std::make_shared<LoginFlight>();
  flight->entry = &entry;
  flight->cause = cause;
  flight->priority = Scheduler::Priority::kBackground;
  flight->state = LoginFlight::State::kPausing;
  entry.flight = flight;
  flights_.insert(flight);
  return *flight;
}

void AccessTokens::Keeper::Queue(const FlightPtr& flight, Scheduler::Priority priority) {
  const bool is_queued = flight->state == LoginFlight::State::kQueued;
  if (is_queued && flight->priority == priority) return;
  if (!is_queued) flight->queued = Now();
  flight->state = LoginFlight::State::kQueued;
  flight->priority = priority;
  // One that was in the background already is queued twice now: the task that comes
  // first runs it.
  scheduler_->Run([this, flight] { RunFlight(flight); }, priority);
}

void AccessTokens::Keeper::Pause(const FlightPtr& flight) {
  flight->state = LoginFlight::State::kPausing;
  flight->waiters.set_failure(flight->entry->failure);
  scheduler_->RunAt(flight->entry->failure_until, [this, flight] { Resume(flight); });
}

void AccessTokens::Keeper::Resume(const FlightPtr& flight) {
  MutexLock lock(&mutex_);
  // It may have been tried before its time.
  if (flight->entry == nullptr || flight->state != LoginFlight::State::kPausing) return;
  if (flight->waiters.empty()) {
    EndFlight(flight);
  } else {
    Queue(flight, Scheduler::Priority::kForeground);
  }
}

void AccessTokens::Keeper::RunFlight(const FlightPtr& flight) {
  const absl::Time now = Now();
  LoginRequest request;
  LoginTimes times;
  LoginCause cause;
  std::string connection;
  absl::Time deadline;
  {
    MutexLock lock(&mutex_);
    if (flight->entry == nullptr || flight->state != LoginFlight::State::kQueued) return;
    connection = flight->entry->connection;
    if (IsPointless(flight->waiters)) {
      EndFlight(flight);
      return WakeHeld(connection);
    }
    if (!TakePlace(flight)) return;
    flight->state = LoginFlight::State::kRunning;
    request.subject = flight->entry->subject;
    request.on_behalf_of = flight->on_behalf_of;
    request.traceparent = flight->traceparent;
    times.queue = now - flight->queued;
    deadline = now + options_.login_timeout;
    if (!flight->waiters.empty()) {
      deadline =
          std::clamp(flight->waiters.LongestDeadline(), now + options_.least_login_time, deadline);
    }
  }
  absl::StatusOr<LoginResult> result =
      LogIn(flight, std::move(request), connection, deadline, times);
  absl::Status outcome = result.status();
  Answers answers;
  {
    MutexLock lock(&mutex_);
    cause = flight->cause;
    GivePlaceBack(connection);
    if (result.ok() && flight->identity != flight->entry->identity) {
      result = outcome = ConnectionChanged();
    }
    if (result.ok()) {
      LandSuccess(flight, *std::move(result), answers);
    } else {
      LandFailure(flight, outcome, answers);
    }
  }
  if (observer_ != nullptr) observer_->OnLogin(cause, outcome, times);
  Deliver(std::move(answers));
}

bool AccessTokens::Keeper::TakePlace(const FlightPtr& flight) {
  RunningLogins& logins = running_[flight->entry->connection];
  if (logins.running >= options_.max_logins_of_connection) {
    logins.held[static_cast<size_t>(flight->priority)].push_back(flight);
    return false;
  }
  ++logins.running;
  return true;
}

void AccessTokens::Keeper::GivePlaceBack(const std::string& connection) {
  --running_[connection].running;
  WakeHeld(connection);
}

void AccessTokens::Keeper::WakeHeld(const std::string& connection) {
  const auto found = running_.find(connection);
  if (found == running_.end()) return;
  RunningLogins& logins = found->second;
  if (logins.running >= options_.max_logins_of_connection) return;
  for (auto& held : logins.held) {
    while (!held.empty()) {
      const FlightPtr flight = std::move(held.front());
      held.pop_front();
      // It may have been held twice, as of each priority, and be over by now.
      if (flight->entry == nullptr || flight->state != LoginFlight::State::kQueued) continue;
      scheduler_->Run([this, flight] { RunFlight(flight); }, flight->priority);
      return;
    }
  }
  if (logins.running == 0) running_.erase(found);
}

absl::StatusOr<LoginResult> AccessTokens::Keeper::LogIn(const FlightPtr& flight,
                                                        LoginRequest request,
                                                        const std::string& connection,
                                                        absl::Time deadline, LoginTimes& times) {
  const absl::Time began = Now();
  ASSIGN_OR_RETURN(request.connection, connections_->Get(connection, deadline));
  times.signer += Now() - began;
  {
    MutexLock lock(&mutex_);
    Learn(*flight->entry, *request.connection);
    flight->identity = flight->entry->identity;
    if (IsPointless(flight->waiters)) {
      return Error(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                   "this process is shutting down");
    }
  }
  RETURN_IF_ERROR(SubjectOf(*request.connection, request.subject).status());
  return login_->Run(request, scheduler_->WallNow() + (deadline - Now()), &times);
}

void AccessTokens::Keeper::LandSuccess(const FlightPtr& flight, LoginResult result,
                                       Answers& answers) {
  CacheEntry& entry = *flight->entry;
  const absl::Time now = Now();
  auto made = std::make_shared<CachedToken>();
  made->made = now;
  const absl::Time wall_now = scheduler_->WallNow();
  made->ends = EndOf(result.granted, now, wall_now, options_);
  made->expires = wall_now + (made->ends - now);
  made->granted = std::move(result.granted);
  made->audience = std::move(result.audience);
  made->after_rejection = std::exchange(entry.rejected, false);
  cache_.SetToken(entry, std::move(made));
  entry.failure = absl::OkStatus();
  entry.failure_until = absl::InfinitePast();
  entry.failures = 0;
  entry.used = false;
  entry.refresh_when_used = false;
  AnswerAll(flight->waiters.TakeAll(), entry.token, answers);
  EndFlight(flight);
  SetDue(entry, RefreshTime(now, entry.token->ends, options_, random_));
}

void AccessTokens::Keeper::LandFailure(const FlightPtr& flight, const absl::Status& failure,
                                       Answers& answers) {
  CacheEntry& entry = *flight->entry;
  const absl::Time now = Now();
  entry.failure = failure;
  if (entry.failures < UINT16_MAX) ++entry.failures;
  entry.failure_until = now + PauseAfter(failure, entry.failures, options_, random_);
  if (EndsTheToken(failure)) cache_.SetToken(entry, nullptr);
  const bool final = !IsPassing(failure) || stopped_;
  AnswerAll(final ? flight->waiters.TakeAll() : flight->waiters.TakeUntil(entry.failure_until),
            AsAnswered(failure, entry.failure_until, now), answers);
  if (!flight->waiters.empty()) {
    Pause(flight);
    return;
  }
  EndFlight(flight);
  if (entry.token == nullptr) {
    // Kept a little longer than it counts, so that the next failure knows that it is
    // not the first.
    SetDue(entry, entry.failure_until + options_.max_backoff);
    return;
  }
  // A refusal is likely to stand; there is a token, so there is time.
  absl::Duration pause = entry.failure_until - now;
  for (int i = 1; i < entry.failures && !IsPassing(failure) && pause < kLongestRefreshPause; ++i) {
    pause *= 2;
  }
  SetDue(entry, std::min(now + pause, entry.token->ends));
}

bool AccessTokens::Keeper::IsPointless(const WaitList& waiters) const {
  return stopped_ || (draining_ && waiters.empty());
}

void AccessTokens::Keeper::EndFlight(const FlightPtr& flight) {
  flights_.erase(flight);
  std::exchange(flight->entry, nullptr)->flight = nullptr;
}

void AccessTokens::Keeper::SetDue(CacheEntry& entry, absl::Time due) {
  cache_.SetDue(entry, due);
  SetAlarm();
}

void AccessTokens::Keeper::SetAlarm() {
  const absl::Time due = cache_.NextDue();
  // One that is too early only looks and goes on; one that is too late will not do.
  if (due >= alarm_.time) return;
  if (alarm_.id != 0) scheduler_->Cancel(alarm_);
  alarm_ = scheduler_->RunAt(due, [this] { OnAlarm(); });
}

void AccessTokens::Keeper::OnAlarm() {
  const absl::Time now = Now();
  MutexLock lock(&mutex_);
  while (CacheEntry* const entry = cache_.TakeDue(now)) AttendTo(*entry);
  alarm_ = {absl::InfiniteFuture(), 0};
  SetAlarm();
}

void AccessTokens::Keeper::AttendTo(CacheEntry& entry) {
  const absl::Time now = Now();
  if (entry.token != nullptr && entry.token->ends <= now) cache_.SetToken(entry, nullptr);
  if (entry.token == nullptr) {
    // A login under way sets what is due when it lands.
    if (!entry.flight) cache_.Remove(entry);
    return;
  }
  cache_.SetDue(entry, entry.token->ends);
  if (entry.flight || draining_) return;
  if (!entry.used) {
    entry.refresh_when_used = true;
    return;
  }
  BeginFlight(entry, LoginCause::kRefresh);
  Queue(entry.flight, Scheduler::Priority::kBackground);
}

}  // namespace keyward::client
