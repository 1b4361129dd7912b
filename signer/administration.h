// What every administration call has in common: who may, what is recorded, and
// what the signing path learns of it.
#ifndef KEYWARD_SIGNER_ADMINISTRATION_H_
#define KEYWARD_SIGNER_ADMINISTRATION_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/server/call_counts.h"
#include "keystore/lifecycle/key_adoption.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/registry/registry.h"
#include "keystore/registry/snapshot.h"
#include "signer/approvals.h"
#include "signer/audit_log.h"
#include "signer/callers.h"
#include "signer/policy_holder.h"
#include "signer/quotas.h"

namespace keyward::signer {

// What is referred to outlives the services.
struct AdministrationParts {
  const Callers& callers;
  const PolicyHolder& policies;
  Quotas& quotas;
  const Keystore& keystore;
  KeyLifecycle& lifecycle;
  const registry::SnapshotHolder& snapshots;
  // OpenKeystore::RefreshSnapshot().
  std::function<absl::Status()> refresh_snapshot;
  AuditLog& audit;
  server::CallCounts& calls;
  AdoptionOptions adoption;
};

// A call that may go on.
struct PermittedCall {
  // With the caller's identity and the time; the work adds what the call is about.
  AuditRecord& record;
  // The policy that decides the call, from its beginning to its end.
  const AuthorizationPolicy& policy;
  // Set where the call created an approval: its record must not be counted together
  // with another.
  bool asked_for_approval = false;
  // Set where a success is not to be recorded: the reading of the log, call after call.
  bool leave_unrecorded = false;
};

// Thread-safe.
class Administration {
 public:
  using Work = absl::FunctionRef<absl::Status(PermittedCall&)>;

  explicit Administration(AdministrationParts parts)
      : parts_(std::move(parts)), approvals_(parts_.keystore.registry) {}

  struct Call {
    const grpc::ServerContext& context;
    // For the audit record: "CreateConnection".
    absl::string_view method;
    // The connection's name as the caller wrote it.
    const std::string& connection;
    // All of them are needed.
    Operations operations;
    // For whom the caller says that it asks; empty for itself.
    absl::string_view on_behalf_of = {};
  };

  // Runs `work` where the caller may do that; records the outcome, and answers
  // once the record is durable, save for a refusal that changed nothing. A change is not
  // even begun while the log can't be written.
  grpc::Status Run(const Call& call, Work work);

  // The same for a call that is about every connection there is or will be.
  grpc::Status RunForAllConnections(const grpc::ServerContext& context, absl::string_view method,
                                    Operation operation, Work work);

  // The same for a call that is about no connection in particular: `work` itself looks
  // at what the caller may see. Refuses who may do nothing at all.
  grpc::Status RunForAnyConnection(const grpc::ServerContext& context, absl::string_view method,
                                   Work work);

  // Makes `change`, where the policy wants it with the approval of a second person
  // (Approvals::Require()), and records it. Where `make` fails nothing was changed.
  absl::Status MakeChange(PermittedCall& call, const WantedChange& change,
                          absl::FunctionRef<absl::Status()> make);

  // Gives the signing path a new picture of the registry, after a change.
  absl::Status RefreshSnapshot() { return parts_.refresh_snapshot(); }

  const AdministrationParts& parts() const { return parts_; }
  registry::Registry& registry() const { return parts_.keystore.registry; }
  Approvals& approvals() { return approvals_; }

 private:
  // Who calls. Of a bad certificate, the one whom it names is recorded.
  absl::Status Identify(const grpc::ServerContext& context, AuditRecord& record) const;
  // `decide`: the rest of the decision once it is known who calls.
  grpc::Status Conduct(const grpc::ServerContext& context, AuditRecord record,
                       absl::FunctionRef<absl::Status(PermittedCall&)> decide, Work work);

  // The end of every call: logs what the caller is not told, records, counts, and
  // answers.
  grpc::Status Conclude(const absl::Status& status, AuditRecord record, bool wait);

  const AdministrationParts parts_;
  Approvals approvals_;
};

// The call's deadline, and never for ever.
absl::Time DeadlineOf(const grpc::ServerContext& context);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_ADMINISTRATION_H_
