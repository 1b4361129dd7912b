#include "signer/freeze.h"

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::signer {

absl::Status CheckNotFrozen(const registry::Snapshot& snapshot, absl::string_view connection) {
  if (snapshot.emergency_freeze()) {
    return Error(absl::StatusCode::kFailedPrecondition, "EMERGENCY_FREEZE",
                 "the emergency freeze is on: nothing is signed for any connection until an "
                 "operator ends it");
  }
  const registry::Connection* found = snapshot.FindConnection(connection);
  if (found == nullptr || !found->frozen) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "CONNECTION_FROZEN",
               absl::StrCat("connection ", connection,
                            " is frozen: nothing is signed for it until an operator thaws it"));
}

}  // namespace keyward::signer
