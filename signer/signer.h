// The decision about one signature, from the caller's certificate to the audit
// record.
#ifndef KEYWARD_SIGNER_SIGNER_H_
#define KEYWARD_SIGNER_SIGNER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/registry/snapshot.h"
#include "keyward/v1/signer.pb.h"
#include "signer/audit_log.h"
#include "signer/call_signer.h"
#include "signer/callers.h"
#include "signer/claims_policy.h"
#include "signer/policy_holder.h"
#include "signer/quotas.h"
#include "signer/sign_times.h"

namespace keyward::signer {

// What a signer works with; all of it outlives the signer.
struct SignerParts {
  const Callers& callers;
  const PolicyHolder& policies;
  Quotas& quotas;
  const registry::SnapshotHolder& snapshots;
  pkcs11::SessionPool& sessions;
  AuditLog& audit;
  SignTimes& times;
  ClaimsLimits claims_limits;
};

// Thread-safe.
class Signer final : public CallSigner {
 public:
  explicit Signer(const SignerParts& parts) : parts_(parts) {}

  Caller Identify(const grpc::AuthContext& peer) override;

  // Decides, signs, and calls `done` once the audit record allows it: with a
  // signature only after its record is durable, on the audit log's thread; with a
  // refusal at once. Errors as in proto/keyward/v1/signer.proto.
  void Sign(const IncomingCall& call, absl::Time deadline, Done done) override;

  // Refuses, and records that.
  void Refuse(const IncomingCall& call, const absl::Status& why, const Done& done) override;

  // So that the audit log does not wait for more records.
  void FinishGroup() override { parts_.audit.FinishGroup(); }

 private:
  void Refuse(AuditRecord record, const absl::Status& why, const Done& done);
  absl::StatusOr<v1::SignResponse> Decide(const IncomingCall& call, absl::Time deadline,
                                          AuditRecord& record);
  absl::StatusOr<std::string> SignOnToken(const registry::SigningKey& key,
                                          absl::string_view signing_input, absl::Time deadline);

  const SignerParts parts_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_SIGNER_H_
