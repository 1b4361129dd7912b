// The sessions that access tokens open, and how many logins a user had.
#ifndef KEYWARD_TESTS_STANDIN_SESSIONS_H_
#define KEYWARD_TESTS_STANDIN_SESSIONS_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/openssl.h"
#include "common/secret.h"

namespace keyward::standin {

struct Session {
  std::string username;
  std::string consumer_key;
  absl::Time expires;
  // Names the session to an administrator; no secret.
  std::string id = {};
  std::vector<std::string> scopes = {};
  // Life after its last use; zero when use does not extend it.
  absl::Duration extension = absl::ZeroDuration();
  // Set where a later login gets this token again.
  std::shared_ptr<const Secret> token = {};
};

// Which sessions to end; what is empty fits all.
struct SessionFilter {
  std::string username = {};
  std::string consumer_key = {};
  std::string id = {};
};

// Thread-safe.
class Sessions {
 public:
  // The oldest session is forgotten when a token opens one more.
  static constexpr size_t kMaxSessions = 100'000;

  explicit Sessions(std::function<absl::Time()> now) : now_(std::move(now)) {}

  // Opens a session under `token`, of which only the hash stays. With `reuse`, the
  // token of a living session that was opened so for the same user and app is
  // returned in its place.
  std::string Open(Session session, std::string token, bool reuse = false);
  // The session of `token`, extended; nullopt when it is unknown or over.
  std::optional<Session> Use(absl::string_view token);
  // The living ones, oldest first.
  std::vector<Session> List() const;
  // Each returns how many living sessions it ended.
  int End(const SessionFilter& filter);
  int EndToken(absl::string_view token);

 private:
  const std::function<absl::Time()> now_;
  mutable Mutex mutex_;
  // By the SHA-256 of the token.
  absl::flat_hash_map<Sha256Digest, Session> sessions_ ABSL_GUARDED_BY(mutex_);
  // The oldest first; may name sessions that were ended.
  std::deque<Sha256Digest> order_ ABSL_GUARDED_BY(mutex_);
};

// Counts logins per user over the last hour. Thread-safe.
class LoginRate {
 public:
  // Counts one login at `now` unless that were more than `limit` within an hour.
  bool Count(const std::string& username, int limit, absl::Time now);
  // How many were counted in the hour before `now`.
  std::map<std::string, int> Counted(absl::Time now) const;
  void Clear();

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::deque<absl::Time>> logins_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_SESSIONS_H_
