#include "client/tokens/waiting.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::client {

absl::Status DeadlinePassed(const absl::Status& failure) {
  return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
               failure.ok() ? "the deadline passed before there was a token; logins take about a "
                              "second, and more while a signer or login host is slow"
                            : absl::StrCat("the deadline passed before there was a token; the last "
                                           "try: ",
                                           failure.message()));
}

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
