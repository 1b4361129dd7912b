// The decision about one signature, from the caller's certificate to the audit
// record.
#ifndef KEYWARD_SIGNER_SIGNER_H_
#define KEYWARD_SIGNER_SIGNER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/registry/snapshot.h"
#include "keyward/v1/signer.pb.h"
#include "signer/audit_log.h"
#include "signer/authorization_policy.h"
#include "signer/callers.h"
#include "signer/sign_times.h"

namespace grpc {
class AuthContext;
}

namespace keyward::signer {

// What a signer works with; all of it outlives the signer.
struct SignerParts {
  const Callers& callers;
  const AuthorizationPolicy& policy;
  const registry::SnapshotHolder& snapshots;
  pkcs11::SessionPool& sessions;
  AuditLog& audit;
  SignTimes& times;
  absl::Duration max_assertion_lifetime;
};

// A call of Sign as it came in.
struct IncomingCall {
  std::shared_ptr<const grpc::AuthContext> peer;
  // Outlives the call of Signer that it is given to.
  const v1::SignRequest& request;
  // W3C trace id, empty for none.
  std::string trace_id;
};

// Thread-safe.
class Signer {
 public:
  // Called once with the answer, or with the error that the caller gets.
  using Done = std::function<void(absl::StatusOr<v1::SignResponse>)>;

  explicit Signer(const SignerParts& parts) : parts_(parts) {}

  // Decides, signs, and calls `done` once the audit record allows it: with a
  // signature only after its record is durable, on the audit log's thread; with a
  // refusal at once. Blocks for as long as the token takes, and for a session not
  // past `deadline`. Errors as in proto/keyward/v1/signer.proto.
  void Sign(const IncomingCall& call, absl::Time deadline, Done done);

  // Says that no call is being worked on, so that the audit log need not wait for
  // more records.
  void FinishAuditGroup() { parts_.audit.FinishGroup(); }

  // Refuses a call with `why` without looking at it further, and records that.
  void Refuse(const IncomingCall& call, const absl::Status& why, const Done& done);

 private:
  absl::StatusOr<v1::SignResponse> Decide(const IncomingCall& call, absl::Time deadline,
                                          AuditRecord& record);
  absl::StatusOr<std::string> SignOnToken(const registry::SigningKey& key,
                                          absl::string_view signing_input, absl::Time deadline);

  const SignerParts parts_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_SIGNER_H_
