#include "signer/token_signing.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/token_signer.h"

namespace keyward::signer {
namespace {

// What the caller may know of a key that the token does not have or that is not
// protected as it must be; the log has the rest.
absl::Status KeyRefused(const registry::KeyVersion& version, const absl::Status& why) {
  spdlog::error("key version {} of {} is not used: {}", version.number, version.connection,
                std::string(why.message()));
  return Error(absl::StatusCode::kFailedPrecondition, "KEY_REFUSED",
               absl::StrCat("the key of version ", version.number, " of ", version.connection,
                            " cannot be used; ask the operator to look at the signer's log"));
}

absl::StatusOr<std::string> TryToSign(pkcs11::SessionPool& sessions,
                                      const registry::SigningKey& key,
                                      absl::string_view signing_input, absl::Time deadline) {
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, sessions.Take(deadline));
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

}  // namespace

absl::Status CheckNotLate(absl::Time deadline) {
  if (absl::Now() < deadline) return absl::OkStatus();
  return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
               "the call's deadline passed before it was its turn; nothing was signed");
}

absl::StatusOr<std::string> SignOnToken(pkcs11::SessionPool& sessions,
                                        const registry::SigningKey& key,
                                        absl::string_view signing_input, absl::Time deadline) {
  absl::StatusOr<std::string> signature = TryToSign(sessions, key, signing_input, deadline);
  // Once more with the sessions that recovery opens: most callers then never
  // notice that the token was away.
  if (pkcs11::IsSessionFatal(signature.status())) {
    signature = TryToSign(sessions, key, signing_input, deadline);
  }
  if (signature.ok() || ReasonOf(signature.status())) return signature;
  spdlog::error("signing with version {} of {} failed: {}", key.version.number,
                key.version.connection, std::string(signature.status().message()));
  return Error(absl::StatusCode::kUnavailable, "TOKEN_UNAVAILABLE",
               "the signing token failed; try again, and if it lasts, ask the operator to look at "
               "the signer's log");
}

}  // namespace keyward::signer
