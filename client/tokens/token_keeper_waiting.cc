// The part of token_keeper that has calls wait and answers them.
#include <utility>

#include "client/tokens/token_keeper.h"
#include "common/error.h"

namespace keyward::client {
namespace {

absl::Status CallerLeft(const absl::Status&) {
  return Error(absl::StatusCode::kCancelled, "CALLER_LEFT",
               "the caller left before there was a token");
}

}  // namespace

void AccessTokens::Keeper::Await(const WaitingCallPtr& call, WaitList& list) {
  list.Add(call);
  ++waiting_;
  ++waiting_of_[call->request.connection];
  if (call->timer.id == 0) {
    call->timer = scheduler_->RunAt(call->deadline, [this, call] { Expire(call); });
  }
}

void AccessTokens::Keeper::Leave(const WaitingCall& call) {
  --waiting_;
  const auto waiting = waiting_of_.find(call.request.connection);
  if (--waiting->second == 0) waiting_of_.erase(waiting);
}

void AccessTokens::Keeper::Expire(const WaitingCallPtr& call) { GiveUp(call, DeadlinePassed); }

void AccessTokens::Keeper::Cancel(const Waiter& waiter) {
  if (const WaitingCallPtr call = waiter.lock()) GiveUp(call, CallerLeft);
}

void AccessTokens::Keeper::GiveUp(const WaitingCallPtr& call,
                                  absl::Status (*outcome)(const absl::Status& failure)) {
  Answers answers;
  {
    MutexLock lock(&mutex_);
    if (call->list == nullptr) return;
    answers.push_back({call, outcome(call->list->failure())});
    call->list->Remove(*call);
    Leave(*call);
  }
  Deliver(std::move(answers));
}

void AccessTokens::Keeper::AnswerAll(std::vector<WaitingCallPtr> calls,
                                     const absl::StatusOr<Token>& outcome, Answers& answers) {
  for (WaitingCallPtr& call : calls) {
    Leave(*call);
    answers.push_back({std::move(call), outcome});
  }
}

void AccessTokens::Keeper::Deliver(Answers answers) {
  const absl::Time now = Now();
  for (Answer& answer : answers) {
    WaitingCall& call = *answer.call;
    if (call.timer.id != 0) scheduler_->Cancel(call.timer);
    if (observer_ != nullptr) {
      observer_->OnCall(call.kind, answer.outcome.status(), now - call.since);
    }
    std::exchange(call.done, nullptr)(std::move(answer.outcome));
  }
}

}  // namespace keyward::client
