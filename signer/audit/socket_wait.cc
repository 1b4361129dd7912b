#include "signer/audit/socket_wait.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "absl/time/clock.h"

namespace keyward::signer {

absl::Status AwaitSocket(int fd, short events, absl::Time deadline) {
  for (;;) {
    // One more than is left, so that poll() does not end a moment before the deadline and
    // spin.
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now()) + 1;
    pollfd polled = {.fd = fd, .events = events, .revents = 0};
    const int count = poll(&polled, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 60 * 1000)));
    if (count > 0) return absl::OkStatus();
    if (count < 0 && errno != EINTR) return absl::ErrnoToStatus(errno, "poll");
    if (absl::Now() >= deadline) return absl::DeadlineExceededError("it takes nothing in time");
  }
}

}  // namespace keyward::signer
