#include "tests/standin/state.h"

#include <utility>

#include "common/error.h"
#include "common/status_macros.h"
#include "tests/standin/ids.h"
#include "tests/standin/state_file.h"

namespace keyward::standin {
namespace {

absl::Status NoSuchApp() {
  return Error(absl::StatusCode::kNotFound, "APP_NOT_FOUND", "no app has this consumer key");
}

void AddUsers(const std::vector<std::string>& usernames, Org& org) {
  for (const std::string& username : usernames) {
    if (!org.users.contains(username)) org.users[username] = {NewRecordId("005"), true};
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<State>> State::New(StateOptions options) {
  Org org{.id = NewRecordId("00D"), .users = {}, .apps = {}};
  if (!options.directory.empty()) {
    ASSIGN_OR_RETURN(std::optional<Org> kept, LoadOrg(options.directory));
    if (kept.has_value()) org = *std::move(kept);
    RETURN_IF_ERROR(SaveOrg(options.directory, org));
  }
  return std::unique_ptr<State>(new State(std::move(options), std::move(org)));
}

State::State(StateOptions options, Org org) : options_(std::move(options)), org_(std::move(org)) {}

absl::Status State::Commit(Org next) {
  if (!options_.directory.empty()) RETURN_IF_ERROR(SaveOrg(options_.directory, next));
  org_ = std::move(next);
  return absl::OkStatus();
}

std::string State::organization_id() const {
  MutexLock lock(&mutex_);
  return org_.id;
}

absl::StatusOr<std::string> State::CreateApp(AppSettings settings) {
  const std::string consumer_key = NewConsumerKey();
  MutexLock lock(&mutex_);
  Org next = org_;
  AddUsers(settings.users, next);
  next.apps[consumer_key] = {std::move(settings), consumer_key, std::nullopt};
  RETURN_IF_ERROR(Commit(std::move(next)));
  return consumer_key;
}

absl::Status State::SetCertificate(absl::string_view consumer_key,
                                   std::optional<UploadedCertificate> certificate) {
  MutexLock lock(&mutex_);
  Org next = org_;
  const auto app = next.apps.find(std::string(consumer_key));
  if (app == next.apps.end()) return NoSuchApp();
  app->second.certificate = std::move(certificate);
  return Commit(std::move(next));
}

absl::Status State::SetUsers(absl::string_view consumer_key, std::vector<std::string> users) {
  MutexLock lock(&mutex_);
  Org next = org_;
  const auto app = next.apps.find(std::string(consumer_key));
  if (app == next.apps.end()) return NoSuchApp();
  AddUsers(users, next);
  app->second.settings.users = std::move(users);
  return Commit(std::move(next));
}

absl::Status State::SetUserActive(absl::string_view username, bool active) {
  MutexLock lock(&mutex_);
  Org next = org_;
  const auto user = next.users.find(std::string(username));
  if (user == next.users.end()) {
    return Error(absl::StatusCode::kNotFound, "USER_NOT_FOUND", "no app names this user");
  }
  user->second.active = active;
  return Commit(std::move(next));
}

std::vector<App> State::Apps() const {
  MutexLock lock(&mutex_);
  std::vector<App> apps;
  for (const auto& [consumer_key, app] : org_.apps) apps.push_back(app);
  return apps;
}

std::optional<App> State::FindApp(absl::string_view consumer_key) const {
  MutexLock lock(&mutex_);
  const auto app = org_.apps.find(std::string(consumer_key));
  if (app == org_.apps.end()) return std::nullopt;
  return app->second;
}

std::optional<User> State::FindUser(absl::string_view username) const {
  MutexLock lock(&mutex_);
  const auto user = org_.users.find(std::string(username));
  if (user == org_.users.end()) return std::nullopt;
  return user->second;
}

Secret State::OpenSession(absl::string_view username, absl::string_view consumer_key) {
  MutexLock lock(&mutex_);
  Secret token(NewAccessToken(org_.id));
  const Sha256Digest digest = Sha256(token.Expose());
  if (session_order_.size() == kMaxSessions) {
    sessions_.erase(session_order_.front());
    session_order_.pop_front();
  }
  sessions_[digest] = {std::string(username), std::string(consumer_key),
                       now() + options_.session_lifetime};
  session_order_.push_back(digest);
  return token;
}

std::optional<Session> State::UseSession(absl::string_view access_token) {
  const Sha256Digest digest = Sha256(access_token);
  MutexLock lock(&mutex_);
  const auto session = sessions_.find(digest);
  if (session == sessions_.end() || session->second.expires <= now()) return std::nullopt;
  session->second.expires = now() + options_.session_lifetime;
  return session->second;
}

std::vector<Session> State::Sessions() const {
  MutexLock lock(&mutex_);
  std::vector<Session> sessions;
  for (const Sha256Digest& digest : session_order_) {
    const Session& session = sessions_.at(digest);
    if (session.expires > now()) sessions.push_back(session);
  }
  return sessions;
}

void State::EndSessions() {
  MutexLock lock(&mutex_);
  sessions_.clear();
  session_order_.clear();
}

}  // namespace keyward::standin
