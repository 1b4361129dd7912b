// The two-person rule: what one person asks for, another must approve.
#ifndef KEYWARD_SIGNER_APPROVALS_H_
#define KEYWARD_SIGNER_APPROVALS_H_

#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "google/protobuf/message.h"
#include "keystore/registry/registry.h"
#include "signer/authorization_policy.h"

namespace keyward::signer {

// What stands in the place of a connection's name for a call that is about all of them.
inline constexpr char kAllConnections[] = "*";

// How many undecided approvals one identity may have asked for, and all together.
inline constexpr size_t kMaxPendingOfRequester = 20;
inline constexpr size_t kMaxPending = 1000;
// Decided and expired ones are forgotten this long after they expired.
inline constexpr absl::Duration kApprovalKept = absl::Hours(24) * 30;

using Operations = absl::InlinedVector<Operation, 2>;

// The operations that `method` ("DeleteConnection") needs of who calls it and of who
// approves it; empty for a method that no approval is ever about.
const Operations& OperationsOfChange(absl::string_view method);

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
  // As the audit log shows the change.
  std::string before;
  std::string after;
};

// `request` as bytes that are the same for the same request (deterministic
// serialization), whatever its etag, if it has one.
std::string CanonicalRequest(const google::protobuf::Message& request);

// What Require() found.
struct Approved {
  // The approval that was used up; empty where the policy wants none.
  std::string name;
};

// Thread-safe. Every step that is decided here is durable when the call returns.
class Approvals {
 public:
  // `registry` outlives this.
  explicit Approvals(registry::Registry& registry) : registry_(registry) {}

  // Whether `requester`, who may do it, may do it now. Where the policy wants a second
  // person, it takes an approval for exactly this change, once: one given by another
  // identity that still may do the same. Where there is none it asks for one. Errors,
  // those about an approval with its name as the metadata `approval`:
  //   FAILED_PRECONDITION  APPROVAL_REQUIRED   nobody has approved yet
  //   PERMISSION_DENIED    APPROVAL_REFUSED    somebody refused; until that expires
  //   RESOURCE_EXHAUSTED   TOO_MANY_APPROVALS  too many wait already
  // and the registry's. `*asked` is set where an approval was created.
  absl::StatusOr<Approved> Require(const AuthorizationPolicy& policy, absl::string_view requester,
                                   const WantedChange& change, absl::Time now, bool* asked);

  // After Require(): the change could not be made and nothing of it was, so that the
  // approval may be used again.
  void GiveBack(const Approved& approved);

  // The newest first, at most 500, of those that `identity` may see: who may view the
  // connection, or do what it is about. Without `all` only those that are pending.
  // `connection` "" is every one.
  absl::StatusOr<std::vector<registry::Approval>> List(const AuthorizationPolicy& policy,
                                                       absl::string_view identity, bool all,
                                                       absl::string_view connection,
                                                       absl::Time now);

  // NOT_FOUND APPROVAL_NOT_FOUND, also for one that `identity` may not see. One that has
  // expired is shown as that.
  absl::StatusOr<registry::Approval> Get(const AuthorizationPolicy& policy,
                                         absl::string_view identity, absl::string_view name,
                                         absl::Time now);

  // Decides about one that Get() gives. Errors besides that one's:
  //   PERMISSION_DENIED    NOT_ALLOWED, DENIED_BY_ROLE  not every operation it needs
  //                        APPROVAL_BY_REQUESTER        `identity` asked for it itself
  //   FAILED_PRECONDITION  APPROVAL_NOT_PENDING, APPROVAL_EXPIRED
  absl::StatusOr<registry::Approval> Approve(const AuthorizationPolicy& policy,
                                             absl::string_view identity, absl::string_view name,
                                             absl::string_view comment, absl::Time now);
  // The same, but who asked for it may do it too, whatever the policy says by now.
  absl::StatusOr<registry::Approval> Refuse(const AuthorizationPolicy& policy,
                                            absl::string_view identity, absl::string_view name,
                                            absl::string_view comment, absl::Time now);

 private:
  registry::Registry& registry_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_APPROVALS_H_
