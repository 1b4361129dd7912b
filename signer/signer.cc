#include "signer/signer.h"

#include <spdlog/spdlog.h>

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
#include "keystore/certificate/rsa_public_key.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/token_signer.h"
#include "signer/caller_identity.h"
#include "signer/claims_policy.h"
#include "signer/connection_rules.h"
#include "signer/peer_identity.h"

namespace keyward::signer {
namespace {

absl::Status CheckNotLate(absl::Time deadline) {
  if (absl::Now() < deadline) return absl::OkStatus();
  return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
               "the call's deadline passed before it was its turn; nothing was signed");
}

absl::Status ConnectionNotFound(absl::string_view name) {
  return Error(absl::StatusCode::kNotFound, "CONNECTION_NOT_FOUND",
               absl::StrCat("there is no connection ", name));
}

// What the caller may know of a key that the token does not have or that is not
// protected as it must be; the log has the rest.
absl::Status KeyRefused(const registry::KeyVersion& version, const absl::Status& why) {
  spdlog::error("key version {} of {} is not used: {}", version.number, version.connection,
                std::string(why.message()));
  return Error(absl::StatusCode::kFailedPrecondition, "KEY_REFUSED",
               absl::StrCat("the key of version ", version.number, " of ", version.connection,
                            " cannot be used; ask the operator to look at the signer's log"));
}

// What is known of a call before anything is decided. For whom it is only where that
// is well-formed: nobody could make use of anything else.
AuditRecord RecordOf(const IncomingCall& call) {
  const std::string& on_behalf_of = call.request.on_behalf_of();
  return {.time = absl::Now(),
          .on_behalf_of = CheckIdentity(on_behalf_of).ok() ? on_behalf_of : "",
          .trace_id = call.trace_id,
          .method = "Sign",
          .connection = CutName(call.request.connection())};
}

}  // namespace

void Signer::Sign(const IncomingCall& call, absl::Time deadline, Done done) {
  AuditRecord record = RecordOf(call);
  absl::StatusOr<v1::SignResponse> response = Decide(call, deadline, record);
  if (!response.ok()) {
    record.refusal = ReasonOf(response.status()).value_or("INTERNAL");
    parts_.audit.AppendRefusal(std::move(record));
    return done(response.status());
  }
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

  // 2. Who calls?
  ASSIGN_OR_RETURN(record.identity, PeerIdentity(*call.peer));
  RETURN_IF_ERROR(CheckOnBehalfOf(request.on_behalf_of()));

  // 3. May they sign for this connection?
  RETURN_IF_ERROR(CheckConnectionName(request.connection()));
  const Decision decision =
      parts_.policy.Decide(record.identity, request.connection(), Operation::kSign);
  record.role = std::string(decision.role);
  RETURN_IF_ERROR(decision.status);

  // 4. May this connection say these claims?
  const std::shared_ptr<const registry::Snapshot> snapshot = parts_.snapshots.Get();
  const registry::Connection* connection = snapshot->FindConnection(request.connection());
  if (connection == nullptr) return ConnectionNotFound(request.connection());
  ASSIGN_OR_RETURN(const AcceptedClaims claims,
                   CheckClaims(request.claims_json(), connection->settings, absl::Now(),
                               parts_.max_assertion_lifetime));
  record.sub = claims.sub;
  record.aud = claims.aud;
  record.exp = claims.exp;

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
  absl::StatusOr<std::string> signature = TryToSign(key, signing_input, deadline);
  // Once more with the sessions that recovery opens: most callers then never
  // notice that the token was away.
  if (pkcs11::IsSessionFatal(signature.status())) {
    signature = TryToSign(key, signing_input, deadline);
  }
  if (signature.ok() || ReasonOf(signature.status())) return signature;
  spdlog::error("signing with version {} of {} failed: {}", key.version.number,
                key.version.connection, std::string(signature.status().message()));
  return Error(absl::StatusCode::kUnavailable, "TOKEN_UNAVAILABLE",
               "the signing token failed; try again, and if it lasts, ask the operator to look at "
               "the signer's log");
}

absl::StatusOr<std::string> Signer::TryToSign(const registry::SigningKey& key,
                                              absl::string_view signing_input,
                                              absl::Time deadline) {
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, parts_.sessions.Take(deadline));
  RETURN_IF_ERROR(CheckNotLate(deadline));
  const absl::StatusOr<CK_OBJECT_HANDLE> handle = lease.FindKey(key.version.key_id);
  if (!handle.ok()) return KeyRefused(key.version, handle.status());
  absl::StatusOr<std::string> signature = pkcs11::SignRs256(lease.session(), lease.rs256(), *handle,
                                                            signing_input, key.signature_bytes);
  lease.Report(signature.status());
  if (!signature.ok()) return signature.status();

  if (absl::Status verified = VerifyRs256(*key.public_key, signing_input, *signature);
      !verified.ok()) {
    // The handle may have come to mean another key: nothing of this generation
    // is trusted any more.
    lease.Distrust();
    spdlog::error("version {} of {}: the token's signature does not verify; it was thrown away",
                  key.version.number, key.version.connection);
    return Error(absl::StatusCode::kInternal, "SIGNATURE_INVALID",
                 "the token made a signature that does not verify; it was thrown away");
  }
  return signature;
}

void Signer::Refuse(const IncomingCall& call, const absl::Status& why, const Done& done) {
  AuditRecord record = RecordOf(call);
  record.identity = PeerIdentity(*call.peer).value_or("");
  record.refusal = ReasonOf(why).value_or("INTERNAL");
  parts_.audit.AppendRefusal(std::move(record));
  done(why);
}

}  // namespace keyward::signer
