// Whether the signer can sign, for those who ask over gRPC or HTTP.
#ifndef KEYWARD_SIGNER_HEALTH_H_
#define KEYWARD_SIGNER_HEALTH_H_

#include <string>

namespace keyward::signer {

struct Health {
  enum class State { kServing, kNotServing, kDraining };

  State state = State::kNotServing;
  // Why it is kNotServing: a reason of docs/errors.md such as "TOKEN_UNAVAILABLE", or
  // one of "STARTING", "CHECK_OVERDUE" and "NOT_READY"; never an error's own text.
  std::string reason;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_HEALTH_H_
