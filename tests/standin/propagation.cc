#include "tests/standin/propagation.h"

#include <iterator>

namespace keyward::standin {

Propagation::Propagation(PropagationOptions options, std::function<absl::Time()> now)
    : now_(std::move(now)), options_(std::move(options)), random_(options_.seed) {}

void Propagation::Record(const std::string& consumer_key, std::string what,
                         std::optional<App> app) {
  const absl::Time made = now_();
  MutexLock lock(&mutex_);
  Revision revision{{std::move(what), made, {}}, std::move(app)};
  std::uniform_real_distribution<double> position(0.0, 1.0);
  for (size_t server = 0; server < static_cast<size_t>(options_.servers); ++server) {
    const absl::Duration delay =
        server < options_.per_server.size()
            ? options_.per_server[server]
            : options_.shortest + (options_.longest - options_.shortest) * position(random_);
    revision.change.visible.push_back(made + delay);
  }
  apps_[consumer_key].push_back(std::move(revision));
  Prune();
}

void Propagation::Settle(const App& app) {
  MutexLock lock(&mutex_);
  apps_[app.consumer_key] = {{{"created", absl::InfinitePast(), {}}, app}};
}

absl::Time Propagation::VisibleAt(const Revision& revision, int server) const {
  const auto index = static_cast<size_t>(server);
  // A server that was added later has what was there before it.
  if (index >= revision.change.visible.size()) return revision.change.made;
  return revision.change.visible[index];
}

std::optional<App> Propagation::Find(absl::string_view consumer_key, int server) const {
  const absl::Time now = now_();
  MutexLock lock(&mutex_);
  const auto app = apps_.find(std::string(consumer_key));
  if (app == apps_.end()) return std::nullopt;
  for (auto revision = app->second.rbegin(); revision != app->second.rend(); ++revision) {
    if (VisibleAt(*revision, server) <= now) return revision->app;
  }
  return std::nullopt;
}

int Propagation::NextServer() {
  MutexLock lock(&mutex_);
  if (options_.pinned.has_value()) return *options_.pinned;
  if (options_.random_routing) {
    return std::uniform_int_distribution<int>(0, options_.servers - 1)(random_);
  }
  last_server_ = (last_server_ + 1) % options_.servers;
  return last_server_;
}

PropagationOptions Propagation::options() const {
  MutexLock lock(&mutex_);
  return options_;
}

void Propagation::Configure(PropagationOptions options) {
  MutexLock lock(&mutex_);
  if (options.seed != options_.seed) random_.seed(options.seed);
  options_ = std::move(options);
  last_server_ = -1;
}

void Propagation::Finish() {
  const absl::Time now = now_();
  MutexLock lock(&mutex_);
  for (auto& [consumer_key, revisions] : apps_) {
    for (Revision& revision : revisions) {
      for (absl::Time& time : revision.change.visible) time = std::min(time, now);
    }
  }
  Prune();
}

bool Propagation::KnownEverywhere(const Revision& revision) const {
  const absl::Time now = now_();
  for (int server = 0; server < options_.servers; ++server) {
    if (VisibleAt(revision, server) > now) return false;
  }
  return true;
}

void Propagation::Prune() {
  for (auto app = apps_.begin(); app != apps_.end();) {
    std::vector<Revision>& revisions = app->second;
    for (size_t i = revisions.size(); i-- > 0;) {
      if (!KnownEverywhere(revisions[i])) continue;
      revisions.erase(revisions.begin(), revisions.begin() + static_cast<ptrdiff_t>(i));
      break;
    }
    const bool gone =
        revisions.size() == 1 && !revisions[0].app.has_value() && KnownEverywhere(revisions[0]);
    app = gone ? apps_.erase(app) : std::next(app);
  }
}

std::map<std::string, std::vector<AppChange>> Propagation::OnTheirWay() const {
  MutexLock lock(&mutex_);
  std::map<std::string, std::vector<AppChange>> changes;
  for (const auto& [consumer_key, revisions] : apps_) {
    for (const Revision& revision : revisions) {
      if (!KnownEverywhere(revision)) changes[consumer_key].push_back(revision.change);
    }
  }
  return changes;
}

}  // namespace keyward::standin
