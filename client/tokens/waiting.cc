#include "client/tokens/waiting.h"

#include <algorithm>
#include <utility>

namespace keyward::client {

void WaitList::Add(WaitingCallPtr call) {
  WaitingCall& waiting = *call;
  waiting.list = this;
  waiting.position = calls_.insert(calls_.end(), std::move(call));
}

void WaitList::Remove(WaitingCall& call) {
  call.list = nullptr;
  calls_.erase(call.position);
}

std::vector<WaitingCallPtr> WaitList::TakeAll() { return TakeUntil(absl::InfiniteFuture()); }

std::vector<WaitingCallPtr> WaitList::TakeUntil(absl::Time time) {
  std::vector<WaitingCallPtr> taken;
  for (auto call = calls_.begin(); call != calls_.end();) {
    if ((*call)->deadline > time) {
      ++call;
      continue;
    }
    (*call)->list = nullptr;
    taken.push_back(std::move(*call));
    call = calls_.erase(call);
  }
  return taken;
}

absl::Time WaitList::LongestDeadline() const {
  absl::Time longest = absl::InfinitePast();
  for (const WaitingCallPtr& call : calls_) longest = std::max(longest, call->deadline);
  return longest;
}

}  // namespace keyward::client
