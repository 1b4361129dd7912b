#include "tests/standin/sessions.h"

#include <utility>

#include "absl/strings/escaping.h"

namespace keyward::standin {
namespace {

std::string IdOf(const Sha256Digest& digest) {
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest.data()), 8));
}

bool Fits(const Session& session, const SessionFilter& filter) {
  return (filter.username.empty() || filter.username == session.username) &&
         (filter.consumer_key.empty() || filter.consumer_key == session.consumer_key) &&
         (filter.id.empty() || filter.id == session.id);
}

}  // namespace

std::string Sessions::Open(Session session, std::string token, bool reuse) {
  const Sha256Digest digest = Sha256(token);
  session.id = IdOf(digest);
  MutexLock lock(&mutex_);
  if (reuse) {
    for (auto& [key, living] : sessions_) {
      if (living.token != nullptr && living.expires > now_() &&
          living.username == session.username && living.consumer_key == session.consumer_key) {
        if (living.extension > absl::ZeroDuration()) living.expires = now_() + living.extension;
        return std::string(living.token->Expose());
      }
    }
    session.token = std::make_shared<const Secret>(std::string(token));
  }
  while (!order_.empty() &&
         (order_.size() >= kMaxSessions || !sessions_.contains(order_.front()))) {
    sessions_.erase(order_.front());
    order_.pop_front();
  }
  sessions_[digest] = std::move(session);
  order_.push_back(digest);
  return token;
}

std::optional<Session> Sessions::Use(absl::string_view token) {
  const Sha256Digest digest = Sha256(token);
  MutexLock lock(&mutex_);
  const auto found = sessions_.find(digest);
  if (found == sessions_.end() || found->second.expires <= now_()) return std::nullopt;
  Session& session = found->second;
  if (session.extension > absl::ZeroDuration()) session.expires = now_() + session.extension;
  return session;
}

std::vector<Session> Sessions::List() const {
  MutexLock lock(&mutex_);
  std::vector<Session> living;
  for (const Sha256Digest& digest : order_) {
    const auto session = sessions_.find(digest);
    if (session != sessions_.end() && session->second.expires > now_()) {
      living.push_back(session->second);
    }
  }
  return living;
}

int Sessions::End(const SessionFilter& filter) {
  MutexLock lock(&mutex_);
  int ended = 0;
  absl::erase_if(sessions_, [&](const auto& entry) {
    if (!Fits(entry.second, filter)) return false;
    if (entry.second.expires > now_()) ++ended;
    return true;
  });
  return ended;
}

int Sessions::EndToken(absl::string_view token) {
  const Sha256Digest digest = Sha256(token);
  MutexLock lock(&mutex_);
  const auto found = sessions_.find(digest);
  if (found == sessions_.end()) return 0;
  const bool living = found->second.expires > now_();
  sessions_.erase(found);
  return living ? 1 : 0;
}

bool LoginRate::Count(const std::string& username, int limit, absl::Time now) {
  MutexLock lock(&mutex_);
  std::deque<absl::Time>& times = logins_[username];
  while (!times.empty() && times.front() <= now - absl::Hours(1)) times.pop_front();
  if (times.size() >= static_cast<size_t>(limit)) return false;
  times.push_back(now);
  return true;
}

std::map<std::string, int> LoginRate::Counted(absl::Time now) const {
  MutexLock lock(&mutex_);
  std::map<std::string, int> counted;
  for (const auto& [username, times] : logins_) {
    for (const absl::Time time : times) counted[username] += time > now - absl::Hours(1) ? 1 : 0;
  }
  return counted;
}

void LoginRate::Clear() {
  MutexLock lock(&mutex_);
  logins_.clear();
}

}  // namespace keyward::standin
