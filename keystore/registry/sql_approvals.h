// The registry's approvals in a SQL database.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_APPROVALS_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_APPROVALS_H_

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/registry/approvals.h"
#include "keystore/registry/sql_database.h"

namespace keyward::registry {

class SqlApprovals : public ApprovalStore {
 public:
  // `database` outlives it.
  explicit SqlApprovals(SqlDatabase& database) : database_(database) {}

  absl::StatusOr<Approval> Create(const Approval& approval) override;
  absl::StatusOr<Approval> Get(absl::string_view name) override;
  absl::StatusOr<std::vector<Approval>> List(absl::string_view connection, bool only_pending,
                                             absl::Time now, size_t limit) override;
  absl::StatusOr<std::optional<Approval>> Find(absl::string_view requester,
                                               absl::string_view request_sha256,
                                               absl::Time now) override;
  absl::StatusOr<Approval> Decide(absl::string_view name, bool approve,
                                  absl::string_view decided_by, absl::string_view comment,
                                  absl::Time now) override;
  absl::Status Use(absl::string_view name, absl::Time now) override;
  absl::Status GiveBack(absl::string_view name) override;
  absl::Status UseAll(absl::string_view method, absl::string_view connection) override;

 private:
  SqlDatabase& database_;
};

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_APPROVALS_H_
