// The key that vouches for the audit log: its checkpoints carry signatures of it.
#ifndef KEYWARD_SIGNER_AUDIT_KEY_H_
#define KEYWARD_SIGNER_AUDIT_KEY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/lifecycle/keystore.h"
#include "keystore/lifecycle/turn.h"
#include "keystore/registry/registry.h"
#include "keystore/registry/snapshot.h"
#include "signer/audit/checkpoint_signature.h"

namespace keyward::signer {

// What the audit key works with; all of it outlives the key.
struct AuditKeyParts {
  const Keystore& keystore;
  KeyLifecycle& lifecycle;
  const registry::SnapshotHolder& snapshots;
  // Loads the registry anew and puts it in the place of the current snapshot.
  std::function<absl::Status()> refresh_snapshot;
};

// A key of the token like a connection's, of the connection registry::kAuditConnection,
// which no call can name. Only its ACTIVE version signs; the certificates of all of them
// verify what was signed before. Thread-safe.
class AuditKey {
 public:
  // Makes the connection and its first version where it is not there yet, waiting for
  // the token until `deadline`, and finishes or undoes what a crash left of them. Errors:
  // those of KeyLifecycle's CreateConnection and FinishInterrupted, and
  // refresh_snapshot's.
  static absl::StatusOr<std::unique_ptr<AuditKey>> New(const AuditKeyParts& parts,
                                                       absl::Time deadline);

  // An RS256 signature over `statement` by the ACTIVE version, verified against its
  // certificate. Waits for a session until `deadline`. Errors: SignOnToken's, and
  // FAILED_PRECONDITION NO_ACTIVE_KEY_VERSION.
  absl::StatusOr<CheckpointSignature> Sign(const std::string& statement, absl::Time deadline);

  // All versions in order of number, with their certificates.
  absl::StatusOr<std::vector<registry::KeyVersion>> Versions();

  // Generates another version and makes it the ACTIVE one. The former becomes kDisabled:
  // it signs no more. Returns the new one. When it fails the former goes on signing; a new
  // version that exists by then is kPending, and the next Rotate() takes that one.
  absl::StatusOr<registry::KeyVersion> Rotate(absl::Time deadline);

 private:
  explicit AuditKey(const AuditKeyParts& parts) : parts_(parts) {}

  // One that an interrupted Rotate() left, else a new one.
  absl::StatusOr<registry::KeyVersion> PendingVersion(absl::Time deadline);

  const AuditKeyParts parts_;
  // Two at once would both take the same version that is pending.
  Turn rotations_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_KEY_H_
