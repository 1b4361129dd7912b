#include "keystore/lifecycle/turn.h"

#include "common/error.h"

namespace keyward {

absl::StatusOr<Turn::Held> Turn::Take(absl::Time deadline) {
  MutexLock lock(&mutex_);
  const auto is_free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !taken_; };
  if (!mutex_.AwaitWithDeadline(is_free, deadline)) {
    return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                 "another key was being made, changed or destroyed until the call's deadline; try "
                 "again");
  }
  taken_ = true;
  return Held(this);
}

void Turn::End::operator()(Turn* turn) const {
  MutexLock lock(&turn->mutex_);
  turn->taken_ = false;
}

}  // namespace keyward
