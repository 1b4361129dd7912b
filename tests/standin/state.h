// What the stand-in knows: the org, as its administrator sees it and as each of its
// servers does, the sessions, the clock and the limits.
#ifndef KEYWARD_TESTS_STANDIN_STATE_H_
#define KEYWARD_TESTS_STANDIN_STATE_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/secret.h"
#include "tests/standin/org.h"
#include "tests/standin/propagation.h"
#include "tests/standin/sessions.h"

namespace keyward::standin {

// What an administrator changes while the stand-in runs.
struct Limits {
  // A session ends this long after its token was last used.
  absl::Duration session_lifetime = absl::Hours(2);
  // Per user.
  int logins_per_hour = 3600;
  // What the stand-in's clock shows beyond the true time: in `Date`, in checks of
  // `exp`, in what it issues. Sessions and propagation do not move with it.
  absl::Duration clock_offset = absl::ZeroDuration();
};

struct StateOptions {
  absl::Duration session_lifetime = absl::Hours(2);
  // Where the org is kept; empty for nowhere. Made if it is not there.
  std::string directory;
  // For tests.
  std::function<absl::Time()> now = [] { return absl::Now(); };
  int logins_per_hour = 3600;
  PropagationOptions propagation = {};
};

// Thread-safe.
class State {
 public:
  static constexpr size_t kMaxSessions = Sessions::kMaxSessions;

  // A new org, or the one that `options.directory` holds, known at every server. An
  // error when that directory cannot be made or its file cannot be read.
  static absl::StatusOr<std::unique_ptr<State>> New(StateOptions options);

  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // The true time, and what Advance() added.
  absl::Time now() const;
  // What the stand-in's clock shows.
  absl::Time clock() const;
  // Moves all that waits for a time nearer: sessions, propagation, login rates.
  void Advance(absl::Duration duration);

  Limits limits() const;
  void SetLimits(const Limits& limits);

  std::string organization_id() const;

  // Adds an app and makes its users known. Returns the consumer key. Names need
  // not be unique. Like every change below, it fails without effect when the
  // directory cannot be written; a change to an app then starts to propagate.
  absl::StatusOr<std::string> CreateApp(AppSettings settings);

  // Each is NOT_FOUND with reason APP_NOT_FOUND for an unknown consumer key.
  absl::Status SetCertificate(absl::string_view consumer_key,
                              std::optional<UploadedCertificate> certificate);
  absl::Status SetUsers(absl::string_view consumer_key, std::vector<std::string> users);
  // `change` may refuse, which is returned.
  absl::Status ChangeApp(absl::string_view consumer_key,
                         const std::function<absl::Status(AppSettings&)>& change);
  absl::Status DeleteApp(absl::string_view consumer_key);

  // ALREADY_EXISTS with reason USER_EXISTS; its id is given here.
  absl::Status CreateUser(const std::string& username, User user);
  // NOT_FOUND with reason USER_NOT_FOUND for a user who was not created and whom no
  // app has named. `change` may refuse, which is returned.
  absl::Status ChangeUser(absl::string_view username,
                          const std::function<absl::Status(User&)>& change);
  absl::Status SetUserActive(absl::string_view username, bool active);

  std::vector<App> Apps() const;
  // As the administrator sees it.
  std::optional<App> FindApp(absl::string_view consumer_key) const;
  std::optional<User> FindUser(absl::string_view username) const;
  std::map<std::string, User> Users() const;

  // Opens a session of the usual lifetime and returns its opaque access token.
  Secret OpenSession(absl::string_view username, absl::string_view consumer_key);
  // The session of `access_token`, whose life this call extends, as an API call
  // does at Salesforce; nullopt when it is unknown or over.
  std::optional<Session> UseSession(absl::string_view access_token);

  Sessions& sessions() { return sessions_; }
  const Sessions& sessions() const { return sessions_; }
  Propagation& propagation() { return propagation_; }
  const Propagation& propagation() const { return propagation_; }
  LoginRate& login_rate() { return login_rate_; }
  const LoginRate& login_rate() const { return login_rate_; }

 private:
  State(StateOptions options, Org org);

  // Writes `next` to the directory, then makes it the org.
  absl::Status Commit(Org next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same, and `what` happened to one app.
  absl::Status CommitApp(Org next, const std::string& consumer_key, const char* what)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const StateOptions options_;
  mutable Mutex clock_mutex_;
  absl::Duration advanced_ ABSL_GUARDED_BY(clock_mutex_);
  Limits limits_ ABSL_GUARDED_BY(clock_mutex_);
  mutable Mutex mutex_;
  Org org_ ABSL_GUARDED_BY(mutex_);
  Sessions sessions_;
  Propagation propagation_;
  LoginRate login_rate_;
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_STATE_H_
