// Waiting for a socket that does not block.
#ifndef KEYWARD_SIGNER_AUDIT_SOCKET_WAIT_H_
#define KEYWARD_SIGNER_AUDIT_SOCKET_WAIT_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace keyward::signer {

// Returns once poll(2) has one of `events` (POLLIN, POLLOUT) or an error to report for
// `fd`; DEADLINE_EXCEEDED where it has none at `deadline`.
absl::Status AwaitSocket(int fd, short events, absl::Time deadline);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_SOCKET_WAIT_H_
