#include "signer/token_buckets.h"

#include <algorithm>
#include <vector>

namespace keyward::signer {

// What is kept of a bucket is when it will be full (the virtual scheduling algorithm of ITU-T
// I.371): each token taken puts that off by the time that a token takes, and a token is
// there while it is at most burst - 1 of them away.
absl::Duration TokenBuckets::Take(absl::string_view key, double per_second, double burst,
                                  absl::Duration now) {
  const absl::Duration per_token = absl::Seconds(1 / per_second);
  MutexLock lock(&mutex_);
  Bucket& bucket = BucketOf(key, per_second, burst, now);
  const absl::Duration full = std::max(bucket.full, now);
  const absl::Duration until_one = full - per_token * (burst - 1) - now;
  if (until_one > absl::ZeroDuration()) return until_one;
  bucket.full = full + per_token;
  return absl::ZeroDuration();
}

TokenBuckets::Bucket& TokenBuckets::BucketOf(absl::string_view key, double per_second, double burst,
                                             absl::Duration now) {
  if (const auto found = buckets_.find(key); found != buckets_.end()) {
    Bucket& bucket = found->second;
    if (bucket.per_second != per_second || bucket.burst != burst) bucket = {per_second, burst, now};
    return bucket;
  }
  MakeRoom(now);
  return buckets_.emplace(std::string(key), Bucket{per_second, burst, now}).first->second;
}

// Looks at all of them only when they have doubled since the last time or are at their limit,
// and halves them at the limit: a constant cost per bucket made.
void TokenBuckets::MakeRoom(absl::Duration now) {
  constexpr size_t kFewest = 64;
  const bool at_limit = buckets_.size() >= capacity_;
  if (!at_limit && buckets_.size() < std::max(next_sweep_, kFewest)) return;
  absl::erase_if(buckets_, [now](const auto& entry) { return entry.second.full <= now; });
  if (at_limit && buckets_.size() > capacity_ / 2) ForgetFullerHalf();
  next_sweep_ = buckets_.size() * 2;
}

void TokenBuckets::ForgetFullerHalf() {
  std::vector<absl::Duration> ends;
  ends.reserve(buckets_.size());
  for (const auto& [key, bucket] : buckets_) ends.push_back(bucket.full);
  const auto middle = ends.begin() + static_cast<std::ptrdiff_t>(ends.size() / 2);
  std::nth_element(ends.begin(), middle, ends.end());
  absl::erase_if(buckets_, [&](const auto& entry) { return entry.second.full <= *middle; });
}

}  // namespace keyward::signer
