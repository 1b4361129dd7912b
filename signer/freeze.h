// Whether anything may be signed at the moment.
#ifndef KEYWARD_SIGNER_FREEZE_H_
#define KEYWARD_SIGNER_FREEZE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "keystore/registry/snapshot.h"

namespace keyward::signer {

// OK where neither the emergency freeze nor one of `connection` holds; also where there
// is no such connection. FAILED_PRECONDITION EMERGENCY_FREEZE, CONNECTION_FROZEN.
// Allocates nothing unless it refuses. Thread-safe.
absl::Status CheckNotFrozen(const registry::Snapshot& snapshot, absl::string_view connection);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_FREEZE_H_
