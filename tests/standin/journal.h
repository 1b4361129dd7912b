// What the stand-in was asked and how it answered, for tests to look at.
#ifndef KEYWARD_TESTS_STANDIN_JOURNAL_H_
#define KEYWARD_TESTS_STANDIN_JOURNAL_H_

#include <cstddef>
#include <deque>
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
};

// Thread-safe.
class Journal {
 public:
  // The oldest entry makes room for one more.
  static constexpr size_t kMaxEntries = 10'000;
  // Issuer and subject are cut to this many bytes, back to a whole character.
  static constexpr size_t kMaxTextBytes = 256;

  void Add(JournalEntry entry);
  // Oldest first.
  std::vector<JournalEntry> Entries() const;

 private:
  mutable Mutex mutex_;
  std::deque<JournalEntry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_JOURNAL_H_
