// How many logins a user of an org may have: Salesforce allows 3,600 an hour.
#ifndef KEYWARD_CLIENT_TOKENS_LOGIN_BUDGET_H_
#define KEYWARD_CLIENT_TOKENS_LOGIN_BUDGET_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/tokens/steady_now.h"
#include "common/mutex.h"

namespace keyward::client {

// What Salesforce allows a user in an hour, less one.
inline constexpr int kMaxLoginsPerHour = 3599;

struct LoginBudgetOptions {
  // How fast a spent budget fills again, in logins an hour. 1 or more.
  int per_hour = 600;
  // How many logins may follow each other at once. 1 or more. In no hour there are
  // more than per_hour + burst, which must be
  // kMaxLoginsPerHour or less.
  int burst = 60;
};

// A token bucket for each (connection, subject). Memory is bounded: a bucket that is
// full again is as good as none, and is forgotten. Thread-safe.
class LoginBudget {
 public:
  using Clock = std::function<absl::Time()>;

  // INVALID_ARGUMENT OPTIONS_INVALID.
  static absl::StatusOr<std::unique_ptr<LoginBudget>> New(const LoginBudgetOptions& options,
                                                          Clock clock = SteadyNow);

  // To be called before every POST to the token endpoint, whoever makes it.
  // RESOURCE_EXHAUSTED LOGIN_BUDGET_SPENT with the delay until there is one login
  // again; then nothing was taken.
  absl::Status Take(absl::string_view connection, absl::string_view subject);

  // Gives back what Take() took for a POST that was not made after all.
  void Return(absl::string_view connection, absl::string_view subject);

  // Buckets in memory.
  size_t size() const;

 private:
  struct Bucket {
    double logins;
    absl::Time at;
  };
  using Key = std::pair<std::string, std::string>;

  LoginBudget(const LoginBudgetOptions& options, Clock clock);

  // What `bucket` holds at `now`.
  double LoginsAt(const Bucket& bucket, absl::Time now) const;
  void ForgetFull(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const double per_second_;
  const double burst_;
  const Clock clock_;
  mutable Mutex mutex_;
  absl::flat_hash_map<Key, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  // With that many buckets it is worth while to look for full ones.
  size_t forget_at_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_LOGIN_BUDGET_H_
