// A connection to what takes audit records.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_TRANSPORT_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_TRANSPORT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward::signer {

// One connection, from when it is there until it fails. Not thread-safe. After any error
// but INVALID_ARGUMENT it is of no more use.
class AuditTransport {
 public:
  virtual ~AuditTransport() = default;

  // Sends one line of docs/audit.md, which is without its LF. It may wait here for Flush().
  //
  //   INVALID_ARGUMENT   the other side never takes this line, as it is too long
  //   DEADLINE_EXCEEDED  it did not take it in time
  // and what the system or OpenSSL says.
  virtual absl::Status Send(absl::string_view line, absl::Time deadline) = 0;

  // Returns once the socket has every byte of what was sent. Errors as Send().
  virtual absl::Status Flush(absl::Time deadline) = 0;

  // UNAVAILABLE where the other side has gone away, as far as can be told without sending.
  // Does not block.
  virtual absl::Status CheckAlive() = 0;
};

// Makes a connection. An error names where to, and why not.
using ConnectAuditTransport =
    std::function<absl::StatusOr<std::unique_ptr<AuditTransport>>(absl::Time deadline)>;

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_TRANSPORT_H_
