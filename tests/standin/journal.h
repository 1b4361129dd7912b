// What the stand-in was asked and how it answered, for tests to look at.
#ifndef KEYWARD_TESTS_STANDIN_JOURNAL_H_
#define KEYWARD_TESTS_STANDIN_JOURNAL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward::standin {

// Never holds an assertion or an access token.
struct JournalEntry {
  absl::Time time;
  std::string method;
  // The path without its query; numbers and ids in it are written vNN.0, {id}.
  std::string endpoint;
  // What the request claimed to be, also when it was refused for it. Empty when
  // that could not be read.
  std::string issuer = {};
  std::string subject = {};
  int status = 0;
  // Both empty when the request was granted.
  std::string error = {};
  std::string description = {};
  // Given by the journal, from 1, and never again after a Clear().
  int64_t sequence = 0;
  // The simulated server.
  int server = 0;
  std::string audience = {};
  std::string key_id = {};
  // `exp` less the stand-in's clock, in seconds.
  std::optional<int64_t> expires_in = std::nullopt;
  // The client's port, the connection's number from 1 in this process, and the
  // request's number on it.
  int remote_port = 0;
  int64_t connection = 0;
  int request_on_connection = 0;
  bool tls_resumed = false;
  std::string user_agent = {};
  // The kind of the fault that met it, else empty.
  std::string fault = {};
};

// What an entry must be; what is empty fits all.
struct JournalFilter {
  std::string endpoint = {};
  std::string issuer = {};
  std::string subject = {};
  // Begins with this, see OutcomeOf().
  std::string outcome = {};
  std::optional<int64_t> server = std::nullopt;
  int64_t after_sequence = 0;
  // The newest so many.
  size_t limit = 1'000'000;
};

// "fault: KIND" of what a fault met, "ok", "ERROR: description" of a refusal.
std::string OutcomeOf(const JournalEntry& entry);

nlohmann::json ToJson(const JournalEntry& entry);

// Thread-safe.
class Journal {
 public:
  // The oldest entry makes room for one more.
  static constexpr size_t kMaxEntries = 10'000;
  // Texts from the request are cut to this many bytes, back to a whole character.
  static constexpr size_t kMaxTextBytes = 256;
  // By endpoint and outcome.
  using Counts = std::map<std::string, std::map<std::string, int64_t>>;

  void Add(JournalEntry entry);
  // Oldest first.
  std::vector<JournalEntry> Entries(const JournalFilter& filter = {}) const;
  // Of all since the last Clear(), also those that made room.
  Counts Summary() const;
  // Forgets entries and counts.
  void Clear();

 private:
  mutable Mutex mutex_;
  int64_t last_sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<JournalEntry> entries_ ABSL_GUARDED_BY(mutex_);
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_JOURNAL_H_
