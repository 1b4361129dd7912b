// Several servers that learn of a change to an app each at its own time.
#ifndef KEYWARD_TESTS_STANDIN_PROPAGATION_H_
#define KEYWARD_TESTS_STANDIN_PROPAGATION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "tests/standin/org.h"

namespace keyward::standin {

inline constexpr int kMaxServers = 64;

struct PropagationOptions {
  int servers = 1;
  // A change reaches each server at a random time between the two.
  absl::Duration shortest = absl::ZeroDuration();
  absl::Duration longest = absl::ZeroDuration();
  // In place of random times: that of server 0, 1, …; further servers get the
  // window's.
  std::vector<absl::Duration> per_server = {};
  // Which server a request lands on: one after the other, or any.
  bool random_routing = false;
  // In place of both.
  std::optional<int> pinned = std::nullopt;
  uint64_t seed = 1;
};

// A change of an app on its way.
struct AppChange {
  // "created", "certificate", "policy", "deleted".
  std::string what;
  absl::Time made;
  // By server.
  std::vector<absl::Time> visible;
};

// Thread-safe. Servers have numbers from 0.
class Propagation {
 public:
  Propagation(PropagationOptions options, std::function<absl::Time()> now);

  // `app` (nullopt when it was deleted) starts on its way to every server.
  void Record(const std::string& consumer_key, std::string what, std::optional<App> app);
  // `app` is at every server already.
  void Settle(const App& app);

  // What `server` knows of the app. A later change that arrived first stays.
  std::optional<App> Find(absl::string_view consumer_key, int server) const;
  // The server for the next request.
  int NextServer();

  PropagationOptions options() const;
  // For changes from now on; those on their way keep their times.
  void Configure(PropagationOptions options);
  // Every change arrives now.
  void Finish();
  // The changes that some server does not know yet, by consumer key, oldest first.
  std::map<std::string, std::vector<AppChange>> OnTheirWay() const;

 private:
  struct Revision {
    AppChange change;
    std::optional<App> app;
  };

  absl::Time VisibleAt(const Revision& revision, int server) const;
  // Forgets what nobody sees any more.
  void Prune() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool KnownEverywhere(const Revision& revision) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<absl::Time()> now_;
  mutable Mutex mutex_;
  PropagationOptions options_ ABSL_GUARDED_BY(mutex_);
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  int last_server_ ABSL_GUARDED_BY(mutex_) = -1;
  // By consumer key, oldest first.
  std::map<std::string, std::vector<Revision>> apps_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_PROPAGATION_H_
