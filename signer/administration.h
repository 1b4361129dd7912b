// What every administration call has in common: who may, what is recorded, and
// what the signing path learns of it.
#ifndef KEYWARD_SIGNER_ADMINISTRATION_H_
#define KEYWARD_SIGNER_ADMINISTRATION_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/server/call_counts.h"
#include "keystore/lifecycle/key_adoption.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/registry/registry.h"
#include "keystore/registry/snapshot.h"
#include "signer/audit_log.h"
#include "signer/authorization_policy.h"
#include "signer/callers.h"

namespace keyward::signer {

// What is referred to outlives the services.
struct AdministrationParts {
  const Callers& callers;
  const AuthorizationPolicy& policy;
  const Keystore& keystore;
  KeyLifecycle& lifecycle;
  registry::SnapshotHolder& snapshots;
  AuditLog& audit;
  server::CallCounts& calls;
  AdoptionOptions adoption;
};

// Thread-safe.
class Administration {
 public:
  explicit Administration(AdministrationParts parts) : parts_(std::move(parts)) {}

  struct Call {
    const grpc::ServerContext& context;
    // For the audit record: "CreateConnection".
    absl::string_view method;
    // The connection's name as the caller wrote it.
    const std::string& connection;
    Operation operation;
    // For whom the caller says that it asks; empty for itself.
    absl::string_view on_behalf_of = {};
  };

  // Runs `work` where the caller may do that; records the outcome, and answers
  // once the record is durable. A change is not even begun while the log can't be
  // written.
  grpc::Status Run(const Call& call, absl::FunctionRef<absl::Status()> work);

  // The same for work that has more to record, such as which key version it is about.
  grpc::Status RunWithRecord(const Call& call, absl::FunctionRef<absl::Status(AuditRecord&)> work);

  // Runs `work` for a call that is about no connection in particular, with the
  // caller's identity; `work` itself looks at what the caller may see. Recorded as
  // Run() does.
  grpc::Status RunForAnyConnection(const grpc::ServerContext& context, absl::string_view method,
                                   absl::FunctionRef<absl::Status(const std::string&)> work);

  // Gives the signing path a new picture of the registry, after a change.
  absl::Status RefreshSnapshot();

  const AdministrationParts& parts() const { return parts_; }
  registry::Registry& registry() const { return parts_.keystore.registry; }

 private:
  // Who calls. Of a bad certificate, the one whom it names is recorded.
  absl::Status Identify(const grpc::ServerContext& context, AuditRecord& record) const;

  // The end of every call: logs what the caller is not told, records, counts, and
  // answers.
  grpc::Status Conclude(const absl::Status& status, AuditRecord record);

  const AdministrationParts parts_;
};

// The call's deadline, and never for ever.
absl::Time DeadlineOf(const grpc::ServerContext& context);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_ADMINISTRATION_H_
