#include "tests/standin/refusals.h"

#include <algorithm>
#include <utility>

namespace keyward::standin {

std::vector<RefusalRow> AllRefusals() {
  return {kNotApproved,
          kNotAdminApproved,
          kInvalidAssertion,
          kAudienceInvalid,
          kAudienceValidationFailed,
          kExpired,
          kClientInvalid,
          kAppNotFound,
          kGrantTypeUnsupported,
          kInactive,
          kIpRestricted,
          kRateExceeded,
          kNoScopes,
          kClientCredentials,
          kRetry};
}

std::optional<RefusalRow> FindRefusal(absl::string_view word) {
  for (const RefusalRow& row : AllRefusals()) {
    if (word == row.word) return row;
  }
  return std::nullopt;
}

int64_t OrderedRefusals::Add(OrderedRefusal order) {
  MutexLock lock(&mutex_);
  if (orders_.size() == kMaxOrders) orders_.erase(orders_.begin());
  order.id = ++last_id_;
  orders_.push_back(std::move(order));
  return last_id_;
}

std::optional<Refusal> OrderedRefusals::Take(absl::string_view consumer_key,
                                             absl::string_view username) {
  MutexLock lock(&mutex_);
  const auto order = std::find_if(orders_.begin(), orders_.end(), [&](const OrderedRefusal& one) {
    return (one.consumer_key.empty() || one.consumer_key == consumer_key) &&
           (one.username.empty() || one.username == username);
  });
  if (order == orders_.end()) return std::nullopt;
  Refusal refusal = order->refusal;
  if (order->remaining == 1) {
    orders_.erase(order);
  } else if (order->remaining > 1) {
    --order->remaining;
  }
  return refusal;
}

std::vector<OrderedRefusal> OrderedRefusals::Orders() const {
  MutexLock lock(&mutex_);
  return orders_;
}

void OrderedRefusals::Clear() {
  MutexLock lock(&mutex_);
  orders_.clear();
}

}  // namespace keyward::standin
