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

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_HEALTH_H_
