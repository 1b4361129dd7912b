// Approvals: what the policy wants a second person for, who asked, and what was decided.
#ifndef KEYWARD_KEYSTORE_REGISTRY_APPROVALS_H_
#define KEYWARD_KEYSTORE_REGISTRY_APPROVALS_H_

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward::registry {

// What was decided. Whether it has expired says expire_time.
enum class ApprovalState { kPending, kApproved, kRefused, kUsed };

// The fields of proto/keyward/v1/approvals.proto. Times have microseconds.
struct Approval {
  // Unique; chosen by whoever creates it.
  std::string name;
  ApprovalState state = ApprovalState::kPending;
  std::string method;
  std::string connection;
  std::vector<std::string> changes;
  // Of the call that is to be approved, in whatever text the caller writes digests.
  std::string request_sha256;
  std::string requester;
  std::string before_json;
  std::string after_json;
  absl::Time create_time;
  absl::Time expire_time;
  // Empty and absent until it is decided.
  std::string decided_by;
  std::optional<absl::Time> decide_time;
  std::string comment;
};

inline constexpr size_t kMaxPendingApprovalsOfRequester = 20;
inline constexpr size_t kMaxPendingApprovals = 1000;
inline constexpr size_t kMaxListedApprovals = 500;
// How long after its expire_time an approval is kept.
inline constexpr absl::Duration kApprovalKeptAfterExpiry = absl::Hours(24 * 30);

// Part of the registry, with its guarantees: thread-safe, each call one durable
// transaction, and the errors common to all of Registry's. An approval that is not there
// is NOT_FOUND APPROVAL_NOT_FOUND. At its expire_time an approval has expired.
class ApprovalStore {
 public:
  virtual ~ApprovalStore() = default;

  // Stores `approval` as kPending, not decided. Where Find() would find one of the same
  // requester and digest at its create_time, returns that one, whatever its state, and
  // stores nothing: so two equal calls at once share one. Forgets those that expired
  // more than kApprovalKeptAfterExpiry before create_time.
  //   RESOURCE_EXHAUSTED TOO_MANY_APPROVALS  the requester has
  //     kMaxPendingApprovalsOfRequester that are kPending and not expired, or there are
  //     kMaxPendingApprovals of everybody's
  //   ALREADY_EXISTS APPROVAL_EXISTS         the name is taken
  virtual absl::StatusOr<Approval> Create(const Approval& approval) = 0;

  virtual absl::StatusOr<Approval> Get(absl::string_view name) = 0;

  // The newest first, at most `limit`. Of that connection, of every one where it is
  // empty; with `only_pending` those that are kPending and not expired at `now`.
  virtual absl::StatusOr<std::vector<Approval>> List(absl::string_view connection,
                                                     bool only_pending, absl::Time now,
                                                     size_t limit = kMaxListedApprovals) = 0;

  // The newest of that requester and digest that is neither kUsed nor expired.
  virtual absl::StatusOr<std::optional<Approval>> Find(absl::string_view requester,
                                                       absl::string_view request_sha256,
                                                       absl::Time now) = 0;

  // kPending → kApproved or kRefused.
  //   FAILED_PRECONDITION APPROVAL_NOT_PENDING, APPROVAL_EXPIRED
  virtual absl::StatusOr<Approval> Decide(absl::string_view name, bool approve,
                                          absl::string_view decided_by, absl::string_view comment,
                                          absl::Time now) = 0;

  // kApproved → kUsed. Of several calls at once one succeeds.
  //   FAILED_PRECONDITION APPROVAL_NOT_APPROVED (pending, refused or used),
  //   APPROVAL_EXPIRED
  virtual absl::Status Use(absl::string_view name, absl::Time now) = 0;

  // kUsed → kApproved, where what was approved could not be done.
  //   FAILED_PRECONDITION APPROVAL_NOT_USED
  virtual absl::Status GiveBack(absl::string_view name) = 0;

  // kApproved → kUsed of every one of that method and connection, whoever asked: what it
  // was given for is over.
  virtual absl::Status UseAll(absl::string_view method, absl::string_view connection) = 0;
};

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_APPROVALS_H_
