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
    if (!org.users.contains(username)) org.users[username] = {.id = NewRecordId("005")};
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

State::State(StateOptions options, Org org)
    : options_(std::move(options)),
      limits_{.session_lifetime = options_.session_lifetime,
              .logins_per_hour = options_.logins_per_hour},
      org_(std::move(org)),
      sessions_([this] { return now(); }),
      propagation_(options_.propagation, [this] { return now(); }) {
  MutexLock lock(&mutex_);
  for (const auto& [consumer_key, app] : org_.apps) propagation_.Settle(app);
}

absl::Time State::now() const {
  MutexLock lock(&clock_mutex_);
  return options_.now() + advanced_;
}

absl::Time State::clock() const {
  MutexLock lock(&clock_mutex_);
  return options_.now() + advanced_ + limits_.clock_offset;
}

void State::Advance(absl::Duration duration) {
  MutexLock lock(&clock_mutex_);
  advanced_ += duration;
}

Limits State::limits() const {
  MutexLock lock(&clock_mutex_);
  return limits_;
}

void State::SetLimits(const Limits& limits) {
  MutexLock lock(&clock_mutex_);
  limits_ = limits;
}

absl::Status State::Commit(Org next) {
  if (!options_.directory.empty()) RETURN_IF_ERROR(SaveOrg(options_.directory, next));
  org_ = std::move(next);
  return absl::OkStatus();
}

absl::Status State::CommitApp(Org next, const std::string& consumer_key, const char* what) {
  RETURN_IF_ERROR(Commit(std::move(next)));
  const auto app = org_.apps.find(consumer_key);
  propagation_.Record(consumer_key, what,
                      app == org_.apps.end() ? std::nullopt : std::optional(app->second));
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
  RETURN_IF_ERROR(CommitApp(std::move(next), consumer_key, "created"));
  return consumer_key;
}

absl::Status State::SetCertificate(absl::string_view consumer_key,
                                   std::optional<UploadedCertificate> certificate) {
  MutexLock lock(&mutex_);
  Org next = org_;
  const auto app = next.apps.find(std::string(consumer_key));
  if (app == next.apps.end()) return NoSuchApp();
  app->second.certificate = std::move(certificate);
  return CommitApp(std::move(next), std::string(consumer_key), "certificate");
}

absl::Status State::SetUsers(absl::string_view consumer_key, std::vector<std::string> users) {
  return ChangeApp(consumer_key, [&](AppSettings& settings) {
    settings.users = std::move(users);
    return absl::OkStatus();
  });
}

absl::Status State::ChangeApp(absl::string_view consumer_key,
                              const std::function<absl::Status(AppSettings&)>& change) {
  MutexLock lock(&mutex_);
  Org next = org_;
  const auto app = next.apps.find(std::string(consumer_key));
  if (app == next.apps.end()) return NoSuchApp();
  RETURN_IF_ERROR(change(app->second.settings));
  AddUsers(app->second.settings.users, next);
  return CommitApp(std::move(next), std::string(consumer_key), "policy");
}

absl::Status State::DeleteApp(absl::string_view consumer_key) {
  MutexLock lock(&mutex_);
  Org next = org_;
  if (next.apps.erase(std::string(consumer_key)) == 0) return NoSuchApp();
  return CommitApp(std::move(next), std::string(consumer_key), "deleted");
}

absl::Status State::CreateUser(const std::string& username, User user) {
  MutexLock lock(&mutex_);
  if (org_.users.contains(username)) {
    return Error(absl::StatusCode::kAlreadyExists, "USER_EXISTS", "this user exists already");
  }
  Org next = org_;
  user.id = NewRecordId("005");
  next.users[username] = std::move(user);
  return Commit(std::move(next));
}

absl::Status State::ChangeUser(absl::string_view username,
                               const std::function<absl::Status(User&)>& change) {
  MutexLock lock(&mutex_);
  Org next = org_;
  const auto user = next.users.find(std::string(username));
  if (user == next.users.end()) {
    return Error(absl::StatusCode::kNotFound, "USER_NOT_FOUND", "no app names this user");
  }
  RETURN_IF_ERROR(change(user->second));
  return Commit(std::move(next));
}

absl::Status State::SetUserActive(absl::string_view username, bool active) {
  return ChangeUser(username, [&](User& user) {
    user.active = active;
    return absl::OkStatus();
  });
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

std::map<std::string, User> State::Users() const {
  MutexLock lock(&mutex_);
  return org_.users;
}

Secret State::OpenSession(absl::string_view username, absl::string_view consumer_key) {
  const absl::Duration lifetime = limits().session_lifetime;
  return Secret(sessions_.Open({.username = std::string(username),
                                .consumer_key = std::string(consumer_key),
                                .expires = now() + lifetime,
                                .extension = lifetime},
                               NewAccessToken(organization_id())));
}

std::optional<Session> State::UseSession(absl::string_view access_token) {
  return sessions_.Use(access_token);
}

}  // namespace keyward::standin
