// The two-person rule: what one person asks for, another must approve.
#ifndef KEYWARD_SIGNER_APPROVALS_H_
#define KEYWARD_SIGNER_APPROVALS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "keystore/registry/registry.h"
#include "signer/audit_record.h"
#include "signer/authorization_policy.h"

namespace keyward::signer {

// What stands in the place of a connection's name for a call that is about all of them.
inline constexpr char kAllConnections[] = "*";

// How many approvals that have not expired yet one identity may have taken back: asking
// and taking back must not fill the registry.
inline constexpr size_t kMaxTakenBack = 100;

using Operations = absl::InlinedVector<Operation, 2>;

// The operations that `method` ("DeleteConnection") needs of who calls it, and of who
// approves that; empty for a method that no approval is ever about.
Operations OperationsOf(absl::string_view method);

// The policy's answer for all of `operations`: the first that it refuses, else the last.
// `connection` may be kAllConnections.
Decision DecideAll(const AuthorizationPolicy& policy, absl::string_view identity,
                   absl::string_view connection, const Operations& operations);

// A change that somebody wants to make.
struct WantedChange {
  absl::string_view method;
  // kAllConnections for every one.
  std::string connection;
  // Of the connection, so that an approval is never for a later one of the same name.
  absl::Time create_time;
  // The request as CanonicalRequest() writes it.
  std::string request;
  // What of it the policy may want a second person for.
  std::vector<Change> changes;
  // JSON objects, as the audit log and the second person see the change.
  std::string before;
  std::string after;
};

// `request` as bytes that are the same for the same request (deterministic
// serialization), whatever its field "etag", if it has one.
std::string CanonicalRequest(const google::protobuf::Message& request);

// What Require() found.
struct Approved {
  // The approval that was used up; empty where the policy wants none.
  std::string name;
};

// Every step that is decided here is durable when the call returns. `record` is that of
// the call which is decided: its identity is who calls, its time is now; what is found
// is added to it. `policy` is the one that the whole call is decided by. Thread-safe.
//
// Errors of all: the registry's.
class Approvals {
 public:
  // `registry` outlives this.
  explicit Approvals(registry::Registry& registry) : registry_(registry) {}

  // Whether the caller, who may do it, may do it now. Where the policy wants a second
  // person, takes an approval of exactly this change, once: one that another identity
  // gave which still may do the same. Where there is none it asks for one, and `asked`
  // is set. Errors, those about an approval with its name as the metadata `approval`:
  //   FAILED_PRECONDITION  APPROVAL_REQUIRED   nobody has approved it yet
  //   PERMISSION_DENIED    APPROVAL_REFUSED    somebody refused, until that expires
  //   RESOURCE_EXHAUSTED   TOO_MANY_APPROVALS  too many wait already
  absl::StatusOr<Approved> Require(const AuthorizationPolicy& policy, const WantedChange& change,
                                   AuditRecord& record, bool& asked);

  // After Require(): nothing of the change could be done, so the approval may be used
  // again.
  void GiveBack(const Approved& approved);

  // The newest first, at most 500, of those that `identity` may see: who may view the
  // connection, or do what it is about. Without `all` only those that are pending at
  // `now`. `connection` "" is every one.
  absl::StatusOr<std::vector<registry::Approval>> List(const AuthorizationPolicy& policy,
                                                       absl::string_view identity, bool all,
                                                       absl::string_view connection,
                                                       absl::Time now);

  // NOT_FOUND APPROVAL_NOT_FOUND, also for one that the caller may not see.
  absl::StatusOr<registry::Approval> Get(const AuthorizationPolicy& policy, absl::string_view name,
                                         AuditRecord& record);

  // Says yes or no to one that Get() gives. Errors besides that one's:
  //   PERMISSION_DENIED    NOT_ALLOWED, DENIED_BY_ROLE  not every operation it needs
  //                        APPROVAL_BY_REQUESTER        yes to what one asked for oneself
  //   FAILED_PRECONDITION  APPROVAL_NOT_PENDING, APPROVAL_EXPIRED
  absl::StatusOr<registry::Approval> Decide(const AuthorizationPolicy& policy,
                                            absl::string_view name, bool approve,
                                            absl::string_view comment, AuditRecord& record);

 private:
  absl::StatusOr<registry::Approval> AskFor(const AuthorizationPolicy& policy,
                                            const WantedChange& change, const std::string& digest,
                                            AuditRecord& record, bool& asked);

  registry::Registry& registry_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_APPROVALS_H_
