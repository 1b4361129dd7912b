// The statements on approvals. Each runs within a transaction of the caller's
// and may throw soci::soci_error.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_APPROVAL_ROWS_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_APPROVAL_ROWS_H_

#include <soci/soci.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "keystore/registry/approvals.h"

namespace keyward::registry {

// NOT_FOUND APPROVAL_NOT_FOUND.
absl::StatusOr<Approval> SelectApproval(soci::session& session, const std::string& name);

// As ApprovalStore's List() and Find().
absl::StatusOr<std::vector<Approval>> SelectApprovals(soci::session& session,
                                                      const std::string& connection,
                                                      bool only_pending, absl::Time now,
                                                      size_t limit);
absl::StatusOr<std::optional<Approval>> FindApproval(soci::session& session,
                                                     const std::string& requester,
                                                     const std::string& request_sha256,
                                                     absl::Time now);

bool IsApprovalNameTaken(soci::session& session, const std::string& name);

// Those that are kPending and not expired at `now`, of everybody and of one requester.
int64_t CountPendingApprovals(soci::session& session, absl::Time now);
int64_t CountPendingApprovalsOf(soci::session& session, const std::string& requester,
                                absl::Time now);

void InsertApproval(soci::session& session, const Approval& approval);

// Replaces what Decide(), Use() and GiveBack() change: the state and the decision.
void UpdateApproval(soci::session& session, const Approval& approval);

// APPROVED → USED.
void UseApprovals(soci::session& session, const std::string& method, const std::string& connection);

void DeleteApprovalsExpiredBefore(soci::session& session, absl::Time time);

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_APPROVAL_ROWS_H_
