// Token buckets, one for each key.
#ifndef KEYWARD_SIGNER_TOKEN_BUCKETS_H_
#define KEYWARD_SIGNER_TOKEN_BUCKETS_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward::signer {

// A bucket is made, full, when a token is first taken of its key, and forgotten once it is full
// again: it is then as if it had never been. Thread-safe.
class TokenBuckets {
 public:
  // At most `capacity` buckets, 2 or more, are remembered; then those that are nearest to full
  // are forgotten early, which lets their keys have a burst too much.
  explicit TokenBuckets(size_t capacity) : capacity_(capacity) {}

  // Takes one token of the bucket of `key`, which gains `per_second` tokens (over 0) each
  // second until it has `burst` (1 or more). Returns zero where it had one, else how
  // long it takes until it has: nothing is taken then. `now` is the time of a steady clock.
  // A bucket whose rate or burst has changed since begins anew, full. Does not allocate
  // where the bucket is known.
  absl::Duration Take(absl::string_view key, double per_second, double burst, absl::Duration now);

  // How many are remembered.
  size_t size() const {
    MutexLock lock(&mutex_);
    return buckets_.size();
  }

 private:
  struct Bucket {
    double per_second;
    double burst;
    // When it will be full.
    absl::Duration full;
  };

  Bucket& BucketOf(absl::string_view key, double per_second, double burst, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeRoom(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetFullerHalf() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t capacity_;
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  // How many buckets there may be before those that are full are looked for.
  size_t next_sweep_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_TOKEN_BUCKETS_H_
