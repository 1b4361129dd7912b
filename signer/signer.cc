#include "signer/signer.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/connection_name.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "signer/caller_identity.h"
#include "signer/claims_policy.h"
#include "signer/connection_rules.h"
#include "signer/freeze.h"
#include "signer/token_signing.h"

namespace keyward::signer {
namespace {

absl::Status ConnectionNotFound(absl::string_view name) {
  return Error(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND",
               absl::StrCat("there is no connection ", name));
}

// What is known of a call before anything is decided. For whom it is only where that
// is well-formed: nobody could make use of anything else.
AuditRecord RecordOf(const IncomingCall& call) {
  const std::string& on_behalf_of = call.request.on_behalf_of();
  return {.time = absl::Now(),
          .identity = call.caller,
          .on_behalf_of = CheckIdentity(on_behalf_of).ok() ? on_behalf_of : "",
          .trace_id = call.trace_id,
          .method = "Sign",
          .connection = CutName(call.request.connection())};
}

// The record has the role that decides, of a refusal too.
absl::Status Authorize(const AuthorizationPolicy& policy, absl::string_view connection,
                       std::optional<absl::string_view> subject, AuditRecord& record) {
  const Decision decision = policy.Decide({record.identity, connection, Operation::kSign, subject});
  record.role = std::string(decision.role);
  return decision.status;
}

}  // namespace

CallSigner::Caller Signer::Identify(const grpc::AuthContext& peer) {
  absl::StatusOr<std::string> identity = parts_.callers.IdentityOf(peer);
  if (identity.ok()) return {.name = *std::move(identity)};
  return {.name = parts_.callers.NameOf(peer), .refusal = identity.status()};
}

void Signer::Sign(const IncomingCall& call, absl::Time deadline, Done done) {
  AuditRecord record = RecordOf(call);
  absl::StatusOr<v1::SignResponse> response = Decide(call, deadline, record);
  if (!response.ok()) return Refuse(std::move(record), response.status(), done);
  // Step 8. std::function wants what it holds to be copyable.
  auto signature = std::make_shared<v1::SignResponse>(*std::move(response));
  parts_.audit.Append(std::move(record),
                      [&times = parts_.times, start = SignTimes::Clock::now(), signature,
                       done = std::move(done)](const absl::Status& durable) {
                        times.ObserveSince(start, SignTimes::Phase::kAudit);
                        durable.ok() ? done(std::move(*signature)) : done(durable);
                      });
}

absl::StatusOr<v1::SignResponse> Signer::Decide(const IncomingCall& call, absl::Time deadline,
                                                AuditRecord& record) {
  const v1::SignRequest& request = call.request;
  RETURN_IF_ERROR(CheckNotLate(deadline));
  RETURN_IF_ERROR(parts_.audit.CheckWritable());
  record.claims_sha256 = HexSha256(request.claims_json());

  // 2. Who calls was known before the call got its place in the queue.
  const std::shared_ptr<const AuthorizationPolicy> policy = parts_.policies.Get();
  RETURN_IF_ERROR(parts_.quotas.TakeOfIdentity(*policy, call.caller));
  RETURN_IF_ERROR(CheckOnBehalfOf(request.on_behalf_of()));

  // 3. May they sign for this connection?
  RETURN_IF_ERROR(CheckConnectionName(request.connection()));
  RETURN_IF_ERROR(Authorize(*policy, request.connection(), std::nullopt, record));

  // 4. May this connection say these claims?
  const std::shared_ptr<const registry::Snapshot> snapshot = parts_.snapshots.Get();
  const registry::Connection* connection = snapshot->FindConnection(request.connection());
  if (connection == nullptr) return ConnectionNotFound(request.connection());
  RETURN_IF_ERROR(CheckNotFrozen(*snapshot, request.connection()));
  RETURN_IF_ERROR(parts_.quotas.TakeOfConnection(*policy, request.connection()));
  ASSIGN_OR_RETURN(
      const AcceptedClaims claims,
      CheckClaims(request.claims_json(), connection->settings, absl::Now(), parts_.claims_limits));
  record.sub = claims.sub;
  record.aud = claims.aud;
  record.exp = claims.exp;
  RETURN_IF_ERROR(Authorize(*policy, request.connection(), claims.sub, record));

  // 5. With which key?
  ASSIGN_OR_RETURN(
      const registry::SigningKey* key,
      snapshot->Select(request.connection(), request.has_key_version()
                                                 ? std::optional<uint32_t>(request.key_version())
                                                 : std::nullopt));
  record.key_version = key->version.number;

  // 6 and 7. JWS signing input of RFC 7515 section 5.1, signed in the token and
  // verified here.
  const std::string signing_input = absl::StrCat(key->jose_header_base64url, ".",
                                                 absl::WebSafeBase64Escape(request.claims_json()));
  ASSIGN_OR_RETURN(const std::string signature, SignOnToken(*key, signing_input, deadline));
  // What was frozen meanwhile is thrown away.
  RETURN_IF_ERROR(CheckNotFrozen(*parts_.snapshots.Get(), request.connection()));

  v1::SignResponse response;
  response.set_jws(absl::StrCat(signing_input, ".", absl::WebSafeBase64Escape(signature)));
  response.set_key_version(key->version.number);
  response.set_kid(key->version.kid);
  response.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(claims.exp));
  return response;
}

absl::StatusOr<std::string> Signer::SignOnToken(const registry::SigningKey& key,
                                                absl::string_view signing_input,
                                                absl::Time deadline) {
  const SignTimes::Clock::time_point start = SignTimes::Clock::now();
  const absl::Cleanup observe = [this, start] {
    parts_.times.ObserveSince(start, SignTimes::Phase::kToken);
  };
  return signer::SignOnToken(parts_.sessions, key, signing_input, deadline);
}

void Signer::Refuse(const IncomingCall& call, const absl::Status& why, const Done& done) {
  Refuse(RecordOf(call), why, done);
}

void Signer::Refuse(AuditRecord record, const absl::Status& why, const Done& done) {
  record.refusal = ReasonOf(why).value_or("INTERNAL");
  parts_.audit.AppendRefusal(std::move(record));
  done(why);
}

}  // namespace keyward::signer
