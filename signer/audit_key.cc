#include "signer/audit_key.h"

#include <algorithm>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/status_macros.h"
#include "signer/token_signing.h"

namespace keyward::signer {
namespace {

using registry::KeyVersion;
using registry::VersionState;

bool IsUnfinished(const std::vector<KeyVersion>& unfinished, absl::string_view connection) {
  return std::any_of(unfinished.begin(), unfinished.end(), [connection](const KeyVersion& version) {
    return version.connection == connection;
  });
}

// A first version that a crash left is finished, or is undone and makes room for another.
absl::Status CreateIfAbsent(const AuditKeyParts& parts, absl::Time deadline) {
  registry::Registry& registry = parts.keystore.registry;
  absl::Status present = registry.GetConnection(registry::kAuditConnection).status();
  if (!absl::IsNotFound(present)) return present;
  ASSIGN_OR_RETURN(const std::vector<KeyVersion> unfinished, registry.ListUnfinished());
  if (IsUnfinished(unfinished, registry::kAuditConnection)) {
    RETURN_IF_ERROR(parts.lifecycle.FinishInterrupted(deadline));
    present = registry.GetConnection(registry::kAuditConnection).status();
    if (!absl::IsNotFound(present)) return present;
  }
  return parts.lifecycle.CreateConnection(registry::kAuditConnection, {}, deadline).status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<AuditKey>> AuditKey::New(const AuditKeyParts& parts,
                                                        absl::Time deadline) {
  RETURN_IF_ERROR(CreateIfAbsent(parts, deadline));
  if (parts.snapshots.Get()->FindConnection(registry::kAuditConnection) == nullptr) {
    RETURN_IF_ERROR(parts.refresh_snapshot());
  }
  return std::unique_ptr<AuditKey>(new AuditKey(parts));
}

absl::StatusOr<CheckpointSignature> AuditKey::Sign(const std::string& statement,
                                                   absl::Time deadline) {
  const std::shared_ptr<const registry::Snapshot> snapshot = parts_.snapshots.Get();
  ASSIGN_OR_RETURN(const registry::SigningKey* key,
                   snapshot->Select(registry::kAuditConnection, std::nullopt));
  ASSIGN_OR_RETURN(std::string signature,
                   SignOnToken(parts_.keystore.pool, *key, statement, deadline));
  return CheckpointSignature{std::move(signature), key->version.kid, key->version.number};
}

absl::StatusOr<std::vector<KeyVersion>> AuditKey::Versions() {
  return parts_.keystore.registry.ListKeyVersions(registry::kAuditConnection);
}

absl::StatusOr<KeyVersion> AuditKey::PendingVersion(absl::Time deadline) {
  ASSIGN_OR_RETURN(const std::vector<KeyVersion> versions, Versions());
  for (const KeyVersion& version : versions) {
    if (version.state == VersionState::kPending) return version;
  }
  return parts_.lifecycle.AddVersion(registry::kAuditConnection, deadline);
}

absl::StatusOr<KeyVersion> AuditKey::Rotate(absl::Time deadline) {
  ASSIGN_OR_RETURN(const Turn::Held turn, rotations_.Take(deadline));
  ASSIGN_OR_RETURN(KeyVersion version, PendingVersion(deadline));
  RETURN_IF_ERROR(parts_.keystore.registry.MakeActive(registry::kAuditConnection, version.number,
                                                      VersionState::kDisabled));
  RETURN_IF_ERROR(parts_.refresh_snapshot());
  version.state = VersionState::kActive;
  return version;
}

}  // namespace keyward::signer
