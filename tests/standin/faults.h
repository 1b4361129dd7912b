// What goes wrong on the way, by order of a test: latency, resets, broken answers.
#ifndef KEYWARD_TESTS_STANDIN_FAULTS_H_
#define KEYWARD_TESTS_STANDIN_FAULTS_H_

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward::standin {

struct Fault {
  int64_t id = 0;
  // As in the journal, or "*".
  std::string endpoint = "*";
  // latency       the right answer, late
  // status        `status` with `body` in place of the right answer
  // reset         TCP RST in place of an answer
  // truncate      Content-Length is larger than the body, then the connection ends
  // oversize      200 with a JSON body of `bytes`
  // malformed     200 with half a JSON text, or `body`
  // content_type  the right answer as `content_type`
  // redirect      `status` to `location`
  std::string kind = {};
  // How many are left; 0 for all until it is cleared.
  int64_t remaining = 1;
  // Before anything else, with every kind.
  absl::Duration latency = absl::ZeroDuration();
  int status = 0;
  // As it is sent, empty for no header.
  std::string retry_after = {};
  std::string body = {};
  std::string content_type = {};
  std::string location = {};
  int64_t bytes = 0;
  // The request is carried out (a login opens its session) and only its answer is
  // lost. Always so for latency, truncate and content_type.
  bool processed = false;
};

// Reads the body of POST /faults. BAD_REQUEST for what does not fit.
absl::StatusOr<Fault> ParseFault(const nlohmann::json& fields);
nlohmann::json ToJson(const Fault& fault);

// Thread-safe.
class Faults {
 public:
  static constexpr size_t kMaxFaults = 1000;

  // Returns its id; the oldest makes room for one more.
  int64_t Add(Fault fault);
  // The first that fits, used up by one.
  std::optional<Fault> Take(absl::string_view endpoint);
  std::vector<Fault> Ordered() const;
  void Clear();

  // Waits, but not beyond EndWaits().
  void Wait(absl::Duration duration);
  // The process stops: nothing waits any more.
  void EndWaits();

 private:
  mutable Mutex mutex_;
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Fault> faults_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace keyward::standin

#endif  // KEYWARD_TESTS_STANDIN_FAULTS_H_
