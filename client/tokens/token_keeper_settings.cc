// The part of token_keeper that asks for the settings of connections and learns from them.
#include <string>
#include <utility>

#include "absl/hash/hash.h"
#include "client/claims_for_connection.h"
#include "client/tokens/token_keeper.h"
#include "client/tokens/token_lifetime.h"
#include "common/error.h"

namespace keyward::client {

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
  const bool is_default =
      connection.subjects_size() == 1 && connection.subjects(0) == entry.subject;
  if (entry.is_default != is_default) cache_.SetDefault(entry, is_default);
}

}  // namespace keyward::client
