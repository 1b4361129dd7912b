// One operation on a token's keys at a time.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_TURN_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_TURN_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward {

// A lock that is waited for within a deadline, as some tokens fail when two keys are
// generated at once, and generation takes long. Thread-safe.
class Turn {
 private:
  struct End {
    void operator()(Turn* turn) const;
  };

 public:
  // The turn is over when it dies. Must not outlive the Turn.
  using Held = std::unique_ptr<Turn, End>;

  // Waits until no one else has it: DEADLINE_EXCEEDED, DEADLINE_PASSED.
  absl::StatusOr<Held> Take(absl::Time deadline);

 private:
  Mutex mutex_;
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_TURN_H_
