// The second place where audit records go, beside the file.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_SINK_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_SINK_H_

#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace keyward::signer {

// Gets every record once it is in the file. One that is best effort queues what it gets
// and never stands in the signer's way; one that is required decides with the file
// whether anything may be signed.
class AuditSink {
 public:
  virtual ~AuditSink() = default;

  // Takes records in the order of their sequence, each a line of docs/audit.md, with or
  // without its LF. Called on the audit log's thread, after the lines are on the disk
  // here. A best-effort sink queues them and answers OK at once. A required one answers
  // OK once it has handed all of them over, or after 5 seconds UNAVAILABLE,
  // AUDIT_FORWARD_UNAVAILABLE: the signatures that they vouch for must not be released.
  // The lines are then still sent, once that is possible again.
  virtual absl::Status Deliver(absl::Span<const std::string> lines) = 0;

  // AUDIT_FORWARD_UNAVAILABLE while a required sink is not connected: then nothing may be
  // signed. OK at all other times. Never blocks; thread-safe.
  virtual absl::Status CheckReady() const = 0;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_SINK_H_
