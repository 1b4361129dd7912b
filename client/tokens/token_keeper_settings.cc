// The part of token_keeper that asks for the settings of connections and learns from them.
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "client/claims_for_connection.h"
#include "client/tokens/token_keeper.h"
#include "client/tokens/token_lifetime.h"
#include "common/error.h"

namespace keyward::client {
namespace {

// A hit has settings that are older than this looked at.
constexpr absl::Duration kCheckAfter = absl::Minutes(1);
// And again that soon where the signer did not answer.
constexpr absl::Duration kCheckAgain = absl::Seconds(10);

// A connection that was deleted and made again is another one.
size_t IdentityOf(const v1::Connection& connection) {
  return absl::HashOf(connection.consumer_key(), connection.login_url(),
                      connection.create_time().seconds(), connection.create_time().nanos());
}

// Whether the signer has said that there is no such connection, or none for us. One
// without a reason was not said by the signer, but by something between.
bool EndsTokens(const absl::Status& failure) {
  return (absl::IsNotFound(failure) || absl::IsPermissionDenied(failure)) && ReasonOf(failure);
}

}  // namespace

void AccessTokens::Keeper::Resolve(const std::string& connection, const WaitingCallPtr& call) {
  ResolutionPtr& resolution = resolutions_[connection];
  if (resolution == nullptr) {
    resolution = std::make_shared<Resolution>();
    QueueResolution(connection);
  }
  Await(call, resolution->waiters);
}

void AccessTokens::Keeper::QueueResolution(const std::string& connection) {
  scheduler_->Run([this, connection] { RunResolution(connection); },
                  Scheduler::Priority::kForeground);
}

void AccessTokens::Keeper::RunResolution(const std::string& connection) {
  {
    MutexLock lock(&mutex_);
    if (IsPointless(resolutions_[connection]->waiters)) {
      resolutions_.erase(connection);
      return;
    }
  }
  const absl::StatusOr<Settings> settings =
      connections_->Get(connection, Now() + options_.login_timeout);
  Answers answers;
  {
    MutexLock lock(&mutex_);
    LandResolution(connection, settings, answers);
  }
  Deliver(std::move(answers));
}

void AccessTokens::Keeper::LandResolution(const std::string& connection,
                                          const absl::StatusOr<Settings>& settings,
                                          Answers& answers) {
  const ResolutionPtr resolution = resolutions_[connection];
  if (!settings.ok() && IsPassing(settings.status()) && !stopped_) {
    const absl::Time now = Now();
    const absl::Time again =
        now + PauseAfter(settings.status(), ++resolution->failures, options_, random_);
    AnswerAll(resolution->waiters.TakeUntil(again), AsAnswered(settings.status(), again, now),
              answers);
    if (!resolution->waiters.empty()) {
      resolution->waiters.set_failure(settings.status());
      scheduler_->RunAt(again, [this, connection] { QueueResolution(connection); });
      return;
    }
  }
  resolutions_.erase(connection);
  const std::vector<WaitingCallPtr> calls = resolution->waiters.TakeAll();
  for (const WaitingCallPtr& call : calls) {
    Leave(*call);
    Admit(call, settings, answers);
  }
}

void AccessTokens::Keeper::Learn(CacheEntry& entry, const v1::Connection& connection) {
  const size_t settings = absl::HashOf(connection.etag());
  if (entry.settings != settings) {
    entry.settings = settings;
    entry.failure = absl::OkStatus();
    entry.failure_until = absl::InfinitePast();
    entry.failures = 0;
  }
  const size_t identity = IdentityOf(connection);
  if (entry.identity != identity) {
    entry.identity = identity;
    cache_.SetToken(entry, nullptr);
  }
  // Who freezes a connection, or everything, wants its logins to end, and what they gave.
  // The etag does not tell of an emergency freeze.
  if (connection.frozen() || connection.emergency_freeze()) cache_.SetToken(entry, nullptr);
  entry.settings_seen = Now();
  const bool is_default =
      connection.subjects_size() == 1 && connection.subjects(0) == entry.subject;
  if (entry.is_default != is_default) cache_.SetDefault(entry, is_default);
}

bool AccessTokens::Keeper::NeedsCheck(const CacheEntry& entry, absl::Time now) const {
  return now - entry.settings_seen > kCheckAfter && !entry.is_checked && !draining_;
}

void AccessTokens::Keeper::QueueCheck(CacheEntry& entry) {
  entry.is_checked = true;
  checks_[entry.connection].push_back(entry.subject);
  if (std::exchange(checking_, true)) return;
  scheduler_->Run([this] { RunCheck(); }, Scheduler::Priority::kBackground);
}

void AccessTokens::Keeper::RunCheck() {
  std::string connection;
  std::vector<std::string> subjects;
  {
    MutexLock lock(&mutex_);
    if (draining_) return;
    const auto next = checks_.begin();
    connection = next->first;
    subjects = std::move(next->second);
    checks_.erase(next);
  }
  const absl::StatusOr<Settings> settings =
      connections_->Get(connection, Now() + options_.login_timeout);
  MutexLock lock(&mutex_);
  for (const std::string& subject : subjects) {
    CacheEntry* const entry = cache_.Find(connection, subject);
    if (entry != nullptr) LandCheck(*entry, settings);
  }
  checking_ = !checks_.empty();
  if (checking_) scheduler_->Run([this] { RunCheck(); }, Scheduler::Priority::kBackground);
}

void AccessTokens::Keeper::LandCheck(CacheEntry& entry, const absl::StatusOr<Settings>& settings) {
  entry.is_checked = false;
  if (settings.ok()) {
    Learn(entry, **settings);
    if (!SubjectOf(**settings, entry.subject).ok()) cache_.SetToken(entry, nullptr);
    return;
  }
  if (EndsTokens(settings.status())) cache_.SetToken(entry, nullptr);
  entry.settings_seen = Now() - kCheckAfter + kCheckAgain;
}

}  // namespace keyward::client
