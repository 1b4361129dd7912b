#include "keystore/pkcs11/session_pool.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {
namespace {

absl::Status Unavailable(absl::Time next_attempt) {
  absl::Status status = Error(absl::StatusCode::kUnavailable, "TOKEN_UNAVAILABLE",
                              "the signing token does not work at the moment; try again, and if "
                              "it lasts, ask the operator to look at the signer's log");
  if (next_attempt == absl::InfiniteFuture()) return status;
  return WithRetryDelay(std::move(status),
                        std::max(absl::ZeroDuration(), next_attempt - absl::Now()));
}

}  // namespace

SessionLease::SessionLease(SessionPool* pool, std::optional<Session> own, const Session* held,
                           Rs256Mechanism rs256, std::shared_ptr<const KeyHandles> handles)
    : pool_(pool),
      own_(std::move(own)),
      session_(own_ ? &*own_ : held),
      rs256_(rs256),
      handles_(std::move(handles)) {}

SessionLease::SessionLease(SessionLease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      own_(std::move(other.own_)),
      session_(own_ ? &*own_ : other.session_),
      rs256_(other.rs256_),
      handles_(std::move(other.handles_)),
      broken_(other.broken_) {}

SessionLease::~SessionLease() {
  if (pool_ != nullptr) pool_->Return(std::move(own_), broken_);
}

absl::StatusOr<CK_OBJECT_HANDLE> SessionLease::FindKey(absl::string_view key_id) const {
  const auto found = handles_->find(key_id);
  if (found == handles_->end()) return absl::NotFoundError("the key has not been looked up");
  return found->second;
}

void SessionLease::Report(const absl::Status& status) {
  if (IsSessionFatal(status)) broken_ = true;
}

void SessionLease::Distrust() { broken_ = true; }

SessionPool::SessionPool(std::unique_ptr<Token> token, const SessionPoolOptions& options)
    : options_(options),
      token_(std::move(token)),
      recovery_(options.reload_interval, options.retry_interval),
      handles_(std::make_shared<const KeyHandles>()) {}

absl::StatusOr<std::unique_ptr<SessionPool>> SessionPool::New(std::unique_ptr<Token> token,
                                                              const SessionPoolOptions& options) {
  std::unique_ptr<SessionPool> pool(new SessionPool(std::move(token), options));
  MutexLock lock(&pool->mutex_);
  ASSIGN_OR_RETURN(pool->idle_, OpenSessions(*pool->token_, options.size));
  pool->size_ = pool->idle_.size();
  return pool;
}

SessionPool::~SessionPool() {
  // Sessions go before the module that token_ holds.
  MutexLock lock(&mutex_);
  idle_.clear();
}

absl::Status SessionPool::Await(absl::Time deadline, bool (SessionPool::*is_free)() const) {
  for (;;) {
    if (state_ == State::kWorking && (this->*is_free)()) return absl::OkStatus();
    if (state_ == State::kBroken) {
      if (absl::Now() < recovery_.next_attempt()) return Unavailable(recovery_.next_attempt());
      if (leased_ == 0) {
        Recover();
        // One attempt a call: a caller must not climb the ladder until its
        // deadline, on a token that stays away.
        if (state_ == State::kBroken) return Unavailable(recovery_.next_attempt());
        continue;
      }
    }
    const auto something_changed = [this, is_free]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return (state_ == State::kWorking && (this->*is_free)()) ||
             (state_ == State::kBroken && leased_ == 0);
    };
    if (!mutex_.AwaitWithDeadline(something_changed, deadline)) {
      return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                   "no session of the token became free before the call's deadline");
    }
  }
}

void SessionPool::Recover() {
  state_ = State::kRecovering;
  // Nobody holds a lease: nothing is signing while these are closed.
  idle_.clear();
  const ExpectedKeys keys = keys_;
  mutex_.Unlock();
  absl::StatusOr<Generation> generation =
      recovery_.Run(*token_, options_.size, keys, options_.key_requirements);
  mutex_.Lock();
  if (!generation.ok()) {
    ++failed_recoveries_;
    state_ = State::kBroken;
    return;
  }
  ++recoveries_;
  idle_ = std::move(generation->sessions);
  size_ = idle_.size();
  handles_ = std::make_shared<const KeyHandles>(std::move(generation->handles));
  state_ = State::kWorking;
}

absl::StatusOr<SessionLease> SessionPool::Take(absl::Time deadline) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Await(deadline, &SessionPool::HasIdle));
  // The one used last: its state is warm in the caches.
  std::optional<Session> session = std::move(idle_.back());
  idle_.pop_back();
  ++leased_;
  return SessionLease(this, std::move(session), nullptr, token_->rs256(), handles_);
}

absl::StatusOr<SessionLease> SessionPool::TakeForAdministration(absl::Time deadline) {
  MutexLock lock(&mutex_);
  RETURN_IF_ERROR(Await(deadline, &SessionPool::HeldIsFree));
  held_is_taken_ = true;
  ++leased_;
  return SessionLease(this, std::nullopt, token_->held_session(), token_->rs256(), handles_);
}

void SessionPool::Return(std::optional<Session> own, bool broken) {
  MutexLock lock(&mutex_);
  --leased_;
  if (own) {
    idle_.push_back(*std::move(own));
  } else {
    held_is_taken_ = false;
  }
  if (broken) {
    state_ = State::kBroken;
  } else {
    ++returned_in_order_;
  }
}

absl::Status SessionPool::CheckReady(absl::Time deadline) {
  const uint64_t before = returned_in_order();
  absl::StatusOr<SessionLease> lease = Take(deadline);
  if (absl::IsDeadlineExceeded(lease.status()) && returned_in_order() != before) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(lease.status());
  absl::Status status = lease->session().CheckLoggedIn();
  lease->Report(status);
  return status;
}

uint64_t SessionPool::returned_in_order() const {
  MutexLock lock(&mutex_);
  return returned_in_order_;
}

absl::Status SessionPool::SetKeys(const ExpectedKeys& keys, absl::Time deadline) {
  {
    MutexLock lock(&mutex_);
    keys_ = keys;
  }
  ASSIGN_OR_RETURN(SessionLease lease, TakeForAdministration(deadline));
  absl::StatusOr<KeyHandles> handles =
      FindKeyHandles(lease.session(), keys, options_.key_requirements);
  lease.Report(handles.status());
  RETURN_IF_ERROR(handles.status());
  // Of the lease's generation: the pool can't move to the next while we hold it.
  MutexLock lock(&mutex_);
  handles_ = std::make_shared<const KeyHandles>(*std::move(handles));
  return absl::OkStatus();
}

void SessionPool::AddKey(const SessionLease& administration, const std::string& key_id,
                         const TokenKeyPair& pair) {
  MutexLock lock(&mutex_);
  keys_[key_id] = pair.modulus;
  // The lease keeps the pool in the generation that the handle belongs to, unless
  // it saw an error; recovery then looks the key up itself.
  if (administration.broken_) return;
  auto handles = std::make_shared<KeyHandles>(*handles_);
  handles->insert_or_assign(key_id, pair.private_key);
  handles_ = std::move(handles);
}

void SessionPool::RemoveKey(const std::string& key_id) {
  MutexLock lock(&mutex_);
  keys_.erase(key_id);
  auto handles = std::make_shared<KeyHandles>(*handles_);
  handles->erase(key_id);
  handles_ = std::move(handles);
}

size_t SessionPool::size() const {
  MutexLock lock(&mutex_);
  return size_;
}

SessionPoolStats SessionPool::stats() const {
  MutexLock lock(&mutex_);
  return {.sessions = size_,
          .in_use = leased_ - (held_is_taken_ ? 1 : 0),
          .recoveries = recoveries_,
          .failed_recoveries = failed_recoveries_};
}

}  // namespace keyward::pkcs11
