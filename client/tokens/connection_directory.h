// The signer's settings of connections, kept for a while.
#ifndef KEYWARD_CLIENT_TOKENS_CONNECTION_DIRECTORY_H_
#define KEYWARD_CLIENT_TOKENS_CONNECTION_DIRECTORY_H_

#include <keyward/v1/connections.pb.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/tokens/steady_now.h"
#include "common/mutex.h"

namespace keyward::client {

struct ConnectionDirectoryOptions {
  // How long settings are good for: a change is seen that much later.
  absl::Duration keep = absl::Seconds(30);
  // How long it is remembered that the signer knows no such connection, or does not
  // let us see it.
  absl::Duration keep_not_found = absl::Seconds(5);
  // For one question to the signer, however short its caller's deadline is: the
  // answer serves the next one as well.
  absl::Duration fetch_timeout = absl::Seconds(10);
};

// Thread-safe. Memory is bounded by the connections asked for within `keep`.
class ConnectionDirectory {
 public:
  using Clock = std::function<absl::Time()>;
  using Settings = std::shared_ptr<const v1::Connection>;
  // Asks the signer, blocking (SignerClient::GetConnection), until `deadline` of the wall
  // clock.
  using Fetch =
      std::function<absl::StatusOr<v1::Connection>(const std::string& name, absl::Time deadline)>;

  // INVALID_ARGUMENT OPTIONS_INVALID where an option is negative or the timeout 0.
  static absl::StatusOr<std::unique_ptr<ConnectionDirectory>> New(
      const ConnectionDirectoryOptions& options, Fetch fetch, Clock clock = SteadyNow);

  // What is known without asking anyone: settings, or that there are none
  // for us (NOT_FOUND, PERMISSION_DENIED); nothing where the signer has to be asked.
  std::optional<absl::StatusOr<Settings>> Peek(absl::string_view name);

  // The same, asking the signer where that is needed, once however many want to
  // know. The one who asks blocks for `fetch_timeout` at most, those who wait for the
  // answer until `deadline` of this directory's clock: DEADLINE_EXCEEDED DEADLINE_PASSED. Other
  // errors are those of the signer's client.
  absl::StatusOr<Settings> Get(absl::string_view name, absl::Time deadline);

  // Connections in memory.
  size_t size() const;

 private:
  struct Known {
    absl::StatusOr<Settings> answer;
    absl::Time until;
  };
  // A question under way, shared by those who wait for its answer.
  struct Question {
    std::optional<absl::StatusOr<Settings>> answer;
  };

  ConnectionDirectory(const ConnectionDirectoryOptions& options, Fetch fetch, Clock clock);

  const Known* FindFresh(absl::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remember(const std::string& name, const absl::StatusOr<Settings>& answer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ConnectionDirectoryOptions options_;
  const Fetch fetch_;
  const Clock clock_;
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Known> known_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<Question>> questions_ ABSL_GUARDED_BY(mutex_);
  // With that many it is worth while to look for stale ones.
  size_t forget_at_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_CONNECTION_DIRECTORY_H_
