// The one queue in which calls wait for the token.
#ifndef KEYWARD_SIGNER_CALL_QUEUE_H_
#define KEYWARD_SIGNER_CALL_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace keyward::signer {

// Lets at most `workers` calls be worked on at once and at most `capacity` wait. Each call
// has a key, who it is from. Those of one key are served first come first served, and the keys that
// wait take turns, one call each: who sends a thousand calls delays somebody else's one call
// by one call. A full queue has room for a key that is short of its share, at the expense of
// the key that has the longest queue. So a key is neither starved nor locked out
// as long as fewer keys than `capacity` wait.
//
// It owns no thread: the one that brings a call works on it if it may, and then on those
// that wait. Every operation takes time logarithmic in the number of keys that wait. Thread-safe.
template <typename Call>
class CallQueue {
 public:
  enum class Admission {
    // Work on the call now; then ask Next() until it gives nothing.
    kWork,
    // The call has been taken and waits.
    kWaiting,
    // No room: the call is still the caller's.
    kFull,
  };

  struct Admitted {
    Admission admission;
    // With kWaiting: a call that waited and had to make room. It is the caller's now, to be
    // refused like one that found no room.
    std::optional<Call> pushed_out;
  };

  CallQueue(size_t workers, size_t capacity) : workers_(workers), capacity_(capacity) {}

  // A full queue takes the call where the key with the longest queue would not have a
  // shorter one than `key` afterwards; it loses the newest of its calls.
  Admitted Admit(Call& call, absl::string_view key) {
    MutexLock lock(&mutex_);
    if (working_ < workers_) {
      ++working_;
      return {Admission::kWork, std::nullopt};
    }
    std::optional<Call> pushed_out;
    if (length_ >= capacity_) {
      if (!IsShortOfItsShare(key)) return {Admission::kFull, std::nullopt};
      pushed_out = TakeNewestOfLongest();
    }
    Add(std::move(call), key);
    return {Admission::kWaiting, std::move(pushed_out)};
  }

  // The call whose turn it is, or nothing: then this worker is done.
  std::optional<Call> Next() {
    MutexLock lock(&mutex_);
    if (length_ == 0) {
      --working_;
      return std::nullopt;
    }
    return TakeOldestOfFirst();
  }

  // Waits until every worker is busy, or until Stop(): then false.
  bool AwaitAllBusy() {
    const auto all_busy_or_stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return stopping_ || working_ == workers_;
    };
    MutexLock lock(&mutex_, all_busy_or_stopping);
    return !stopping_;
  }

  // Waits for `time`, and returns whether every worker is busy then. False at once
  // after Stop().
  bool AreAllBusyAfter(absl::Duration time) {
    MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout([this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; },
                            time);
    return !stopping_ && working_ == workers_;
  }

  // How many wait.
  size_t length() const {
    MutexLock lock(&mutex_);
    return length_;
  }

  // Whether no worker is busy.
  bool IsIdle() const {
    MutexLock lock(&mutex_);
    return working_ == 0;
  }

  void Stop() {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }

 private:
  // The calls of one key that wait, one at least.
  struct Lane {
    std::string key;
    // In the order in which lanes were made: for which of several longest ones gives way.
    uint64_t number;
    std::deque<Call> calls;
  };
  // In the order of their turns.
  using Lanes = std::list<Lane>;

  struct Shorter {
    bool operator()(const typename Lanes::iterator& a, const typename Lanes::iterator& b) const {
      return std::pair(a->calls.size(), a->number) < std::pair(b->calls.size(), b->number);
    }
  };

  // One call from the longest lane to this one must not just turn the tables, or two keys
  // would push each other's calls out for ever.
  bool IsShortOfItsShare(absl::string_view key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (by_length_.empty()) return false;
    const auto own = by_key_.find(key);
    const size_t own_length = own == by_key_.end() ? 0 : own->second->calls.size();
    return own_length + 1 < (*by_length_.rbegin())->calls.size();
  }

  void Add(Call call, absl::string_view key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++length_;
    if (const auto own = by_key_.find(key); own != by_key_.end()) {
      const typename Lanes::iterator lane = own->second;
      return Change(lane, [&] { lane->calls.push_back(std::move(call)); });
    }
    lanes_.push_back({std::string(key), next_number_++, {}});
    const auto lane = std::prev(lanes_.end());
    lane->calls.push_back(std::move(call));
    by_key_.emplace(lane->key, lane);
    by_length_.insert(lane);
  }

  // The lane goes to the end of the line.
  Call TakeOldestOfFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const typename Lanes::iterator lane = lanes_.begin();
    Call call = std::move(lane->calls.front());
    lanes_.splice(lanes_.end(), lanes_, lane);
    Shorten(lane, [&] { lane->calls.pop_front(); });
    return call;
  }

  Call TakeNewestOfLongest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const typename Lanes::iterator lane = *by_length_.rbegin();
    Call call = std::move(lane->calls.back());
    Shorten(lane, [&] { lane->calls.pop_back(); });
    return call;
  }

  template <typename Pop>
  void Shorten(typename Lanes::iterator lane, const Pop& pop)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    --length_;
    if (lane->calls.size() > 1) return Change(lane, pop);
    by_length_.erase(lane);
    by_key_.erase(lane->key);
    lanes_.erase(lane);
  }

  // Keeps the lane's place in by_length_ right, and allocates nothing for that.
  template <typename Action>
  void Change(typename Lanes::iterator lane, const Action& action)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto place = by_length_.extract(lane);
    action();
    by_length_.insert(std::move(place));
  }

  const size_t workers_;
  const size_t capacity_;
  mutable Mutex mutex_;
  size_t working_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // How many calls wait, in all lanes.
  size_t length_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  Lanes lanes_ ABSL_GUARDED_BY(mutex_);
  // By the lane's own key, which stays where it is.
  absl::flat_hash_map<absl::string_view, typename Lanes::iterator> by_key_ ABSL_GUARDED_BY(mutex_);
  std::set<typename Lanes::iterator, Shorter> by_length_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_CALL_QUEUE_H_
