// Calls that wait for a token. Internal to client/tokens.
#ifndef KEYWARD_CLIENT_TOKENS_WAITING_H_
#define KEYWARD_CLIENT_TOKENS_WAITING_H_

#include <list>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/tokens/access_tokens.h"

namespace keyward::client {

// The answer to a call whose deadline has passed; `failure` is the last try's, OK where
// there was none.
absl::Status DeadlinePassed(const absl::Status& failure);

class WaitList;

struct WaitingCall {
  TokenRequest request;
  absl::Time since;
  absl::Time deadline;
  AccessTokens::Done done;
  CallKind kind = CallKind::kRefused;
  // Answers it at its deadline; id 0 for none.
  Scheduler::Timer timer;

  // Where it waits; null once it is answered.
  WaitList* list = nullptr;
  std::list<std::shared_ptr<WaitingCall>>::iterator position;
};

using WaitingCallPtr = std::shared_ptr<WaitingCall>;

// A call with what it is answered.
struct Answer {
  WaitingCallPtr call;
  absl::StatusOr<AccessTokens::Token> outcome;
};

// The calls that wait for the same thing. Not thread-safe.
class WaitList {
 public:
  WaitList() = default;
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  void Add(WaitingCallPtr call);
  // Takes `call` off this list.
  void Remove(WaitingCall& call);
  std::vector<WaitingCallPtr> TakeAll();
  // Those whose deadline is `time` or earlier: nothing that happens then helps them.
  std::vector<WaitingCallPtr> TakeUntil(absl::Time time);

  bool empty() const { return calls_.empty(); }
  // The past where there is none.
  absl::Time LongestDeadline() const;

  // The last try's failure, for those whose deadline comes before the next one.
  const absl::Status& failure() const { return failure_; }
  void set_failure(const absl::Status& failure) { failure_ = failure; }

 private:
  std::list<WaitingCallPtr> calls_;
  absl::Status failure_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TOKENS_WAITING_H_
