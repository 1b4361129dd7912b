// Whether the signer can sign, for those who ask over gRPC or HTTP.
#ifndef KEYWARD_COMMON_SERVER_HEALTH_H_
#define KEYWARD_COMMON_SERVER_HEALTH_H_

#include <string>

namespace keyward::server {

struct Health {
  enum class State { kServing, kNotServing, kDraining };

  State state = State::kNotServing;
  // Why it is kNotServing: a reason of docs/errors.md such as "TOKEN_UNAVAILABLE", or
  // one of "STARTING", "CHECK_OVERDUE" and "NOT_READY"; never an error's own text.
  std::string reason;
};

// "SERVING", "NOT_SERVING" or "DRAINING".
constexpr const char* StateName(Health::State state) {
  switch (state) {
    case Health::State::kServing:
      return "SERVING";
    case Health::State::kDraining:
      return "DRAINING";
    case Health::State::kNotServing:
      break;
  }
  return "NOT_SERVING";
}

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_HEALTH_H_
