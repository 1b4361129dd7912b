#include "client/tokens/login_budget.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::client {
namespace {

constexpr size_t kFirstForgetAt = 1024;

}  // namespace

absl::StatusOr<std::unique_ptr<LoginBudget>> LoginBudget::New(const LoginBudgetOptions& options,
                                                              Clock clock) {
  const bool positive = options.per_hour >= 1 && options.burst >= 1;
  if (!positive || options.per_hour > kMaxLoginsPerHour ||
      options.burst > kMaxLoginsPerHour - options.per_hour) {
    return Error(absl::StatusCode::kInvalidArgument, "OPTIONS_INVALID",
                 "the login budget's rate and burst must be 1 or more each and 3599 or less "
                 "together: Salesforce allows 3,600 logins a user and hour");
  }
  return std::unique_ptr<LoginBudget>(new LoginBudget(options, std::move(clock)));
}

LoginBudget::LoginBudget(const LoginBudgetOptions& options, Clock clock)
    : per_second_(options.per_hour / 3600.0),
      burst_(options.burst),
      clock_(std::move(clock)),
      forget_at_(kFirstForgetAt) {}

double LoginBudget::LoginsAt(const Bucket& bucket, absl::Time now) const {
  // A clock set back must not take away what was there.
  const double passed = std::max(0.0, absl::ToDoubleSeconds(now - bucket.at));
  return std::min(burst_, bucket.logins + passed * per_second_);
}

absl::Status LoginBudget::Take(absl::string_view connection, absl::string_view subject) {
  const absl::Time now = clock_();
  MutexLock lock(&mutex_);
  if (buckets_.size() >= forget_at_) ForgetFull(now);
  Bucket& bucket =
      buckets_.try_emplace(Key(connection, subject), Bucket{burst_, now}).first->second;
  bucket = {LoginsAt(bucket, now), now};
  if (bucket.logins >= 1) {
    bucket.logins -= 1;
    return absl::OkStatus();
  }
  return WithRetryDelay(
      Error(absl::StatusCode::kResourceExhausted, "LOGIN_BUDGET_SPENT",
            absl::StrCat("connection ", connection, " and its subject ", subject,
                         " have used up the logins allowed for now: reuse access tokens, and look "
                         "for what rejects them")),
      // Upwards, so that a caller who waits that long finds one.
      absl::Ceil(absl::Seconds((1 - bucket.logins) / per_second_), absl::Milliseconds(1)));
}

void LoginBudget::Return(absl::string_view connection, absl::string_view subject) {
  MutexLock lock(&mutex_);
  const auto bucket = buckets_.find(Key(connection, subject));
  if (bucket == buckets_.end()) return;
  bucket->second.logins = std::min(burst_, bucket->second.logins + 1);
}

void LoginBudget::ForgetFull(absl::Time now) {
  for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
    if (LoginsAt(bucket->second, now) >= burst_) {
      buckets_.erase(bucket++);
    } else {
      ++bucket;
    }
  }
  // Twice what could not be forgotten, so that each look costs little a call.
  forget_at_ = std::max(kFirstForgetAt, 2 * buckets_.size());
}

size_t LoginBudget::size() const {
  MutexLock lock(&mutex_);
  return buckets_.size();
}

}  // namespace keyward::client
