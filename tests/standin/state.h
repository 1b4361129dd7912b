// What the imitated Salesforce org knows: its users, its apps with their
// certificates, and the sessions that its access tokens open.
#ifndef KEYWARD_TESTS_STANDIN_STATE_H_
#define KEYWARD_TESTS_STANDIN_STATE_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/openssl.h"
#include "common/secret.h"
#include "tests/standin/certificate.h"

namespace keyward::standin {

struct User {
  // 18 characters.
  std::string id;
  bool active = true;
};

struct AppSettings {
  std::string name;
  // Users who may log in through the app: pre-authorized ones.
  std::vector<std::string> users;
  std::vector<std::string> scopes;
  // "Permitted Users" is "Admin approved users are pre-authorized". It changes
  // nothing but the refusal of a user who is not in `users`.
  bool admin_approved = false;
};

struct App {
  AppSettings settings;
  std::string consumer_key;
  std::optional<UploadedCertificate> certificate;
};

struct Session {
  std::string username;
  std::string consumer_key;
  absl::Time expires;
};

// What outlives the process when State has a directory: everything but the
// sessions.
struct Org {
  // 18 characters.
  std::string id;
  std::map<std::string, User> users;
  // By consumer key.
  std::map<std::string, App> apps;
};

struct StateOptions {
  // A session ends this long after its token was last used.
  absl::Duration session_lifetime = absl::Hours(2);
  // Where the org is kept; empty for nowhere. Made if it is not there.
  std::string directory;
  // For tests.
  std::function<absl::Time()> now = [] { return absl::Now(); };
};

// Thread-safe.
class State {
 public:
  // The oldest session is forgotten when a token opens one more.
  static constexpr size_t kMaxSessions = 100'000;

  // A new org, or the one that `options.directory` holds. An error when that
  // directory cannot be made or its file cannot be read.
  static absl::StatusOr<std::unique_ptr<State>> New(StateOptions options);

  State(const State&) = delete;
  State& operator=(const State&) = delete;

  absl::Time now() const { return options_.now(); }
  std::string organization_id() const;

  // Adds an app and makes its users known. Returns the consumer key. Names need
  // not be unique. Like every change below, it fails without effect when the
  // directory cannot be written.
  absl::StatusOr<std::string> CreateApp(AppSettings settings);

  // Each is NOT_FOUND with reason APP_NOT_FOUND for an unknown consumer key.
  absl::Status SetCertificate(absl::string_view consumer_key,
                              std::optional<UploadedCertificate> certificate);
  absl::Status SetUsers(absl::string_view consumer_key, std::vector<std::string> users);

  // NOT_FOUND with reason USER_NOT_FOUND for a user whom no app has named.
  absl::Status SetUserActive(absl::string_view username, bool active);

  std::vector<App> Apps() const;
  std::optional<App> FindApp(absl::string_view consumer_key) const;
  std::optional<User> FindUser(absl::string_view username) const;

  // Opens a session and returns its access token, of which only the hash stays.
  Secret OpenSession(absl::string_view username, absl::string_view consumer_key);
  // The session of `access_token`, whose life this call extends, as an API call
  // does at Salesforce; nullopt when it is unknown or over.
  std::optional<Session> UseSession(absl::string_view access_token);
  std::vector<Session> Sessions() const;
  // Ends all, as an administrator or a policy does.
  void EndSessions();

 private:
  State(StateOptions options, Org org);

  // Writes `next` to the directory, then makes it the org.
  absl::Status Commit(Org next) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const StateOptions options_;
  mutable Mutex mutex_;
  Org org_ ABSL_GUARDED_BY(mutex_);
  // By the SHA-256 of the access token; `session_order_` has the oldest first.
  absl::flat_hash_map<Sha256Digest, Session> sessions_ ABSL_GUARDED_BY(mutex_);
  std::deque<Sha256Digest> session_order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_STATE_H_
