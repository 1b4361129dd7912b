// The audit log's end as the registry has it: a log that lost it is not gone on with, so that
// no checkpoint vouches for what took its place.
#ifndef KEYWARD_SIGNER_AUDIT_ANCHOR_H_
#define KEYWARD_SIGNER_AUDIT_ANCHOR_H_

#include "absl/status/status.h"
#include "keystore/registry/registry.h"
#include "signer/audit_log.h"
#include "signer/config.h"
#include "signer/daemon_events.h"

namespace keyward::signer {

// OK where the registry has no anchor, or the log of `config` has that record (FindInsteadOf()).
// Where it does not, and `config.accept_loss` is the anchor's number, that is recorded and the
// end of `audit` becomes the anchor. Else FAILED_PRECONDITION without a reason, whose message
// says what was expected and found, and what to do. To be called before checkpoints are signed.
absl::Status CheckAuditAnchor(const AuditConfig& config, registry::Registry& registry,
                              const AuditLog& audit, DaemonEvents& events);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_ANCHOR_H_
