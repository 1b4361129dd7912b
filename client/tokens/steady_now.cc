#include "client/tokens/steady_now.h"

#include <chrono>

#include "absl/time/clock.h"

namespace keyward::client {

absl::Time SteadyNow() {
  struct Start {
    absl::Time wall = absl::Now();
    std::chrono::steady_clock::time_point steady = std::chrono::steady_clock::now();
  };
  static const Start start;
  return start.wall + absl::FromChrono(std::chrono::steady_clock::now() - start.steady);
}

}  // namespace keyward::client
