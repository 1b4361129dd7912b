#include "keystore/provider/token_key.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_uri.h"
#include "keystore/pkcs11/token_signer.h"
#include "keystore/provider/error_queue.h"
#include "keystore/provider/provider_error.h"

namespace keyward::provider {
namespace {

bool Same(const pkcs11::PublicKeyValue& one, const pkcs11::PublicKeyValue& other) {
  return one.type == other.type && one.modulus == other.modulus &&
         one.public_exponent == other.public_exponent && one.ec_params == other.ec_params &&
         one.ec_point == other.ec_point;
}

// What the user can do about a code that says what is wrong.
const char* Advice(const absl::Status& status) {
  switch (pkcs11::CkRvOf(status).value_or(CKR_OK)) {
    case CKR_ARGUMENTS_BAD:
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
      return "the token does not offer this signature; choose another padding, digest or salt "
             "length";
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_KEY_TYPE_INCONSISTENT:
      return "the key may not be used like this; it needs CKA_SIGN";
    case CKR_USER_NOT_LOGGED_IN:
      return "give the PIN with pin-source";
    default:
      return "see that the token is there and answers";
  }
}

}  // namespace

TokenKey::TokenKey(std::shared_ptr<TokenAccess> token, pkcs11::ObjectTemplate wanted,
                   pkcs11::PublicKeyValue public_half, size_t signature_bytes)
    : token_(std::move(token)),
      wanted_(std::move(wanted)),
      public_half_(std::move(public_half)),
      signature_bytes_(signature_bytes) {}

absl::StatusOr<CK_OBJECT_HANDLE> TokenKey::Find(const pkcs11::Session& session) const {
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> found,
                   pkcs11::FindObjects(session, wanted_));
  for (const CK_OBJECT_HANDLE handle : found) {
    // Checked before C_SignInit, which has crashed modules with another type.
    ASSIGN_OR_RETURN(const auto type,
                     pkcs11::IfAnswered(pkcs11::ReadUlong(session, handle, CKA_KEY_TYPE)));
    if (type != public_half_.type) continue;
    const absl::StatusOr<pkcs11::PublicKeyValue> value = pkcs11::ReadPublicKey(session, handle);
    if (pkcs11::IsSessionFatal(value.status())) return value.status();
    if (value.ok() && Same(*value, public_half_)) return handle;
  }
  return ProviderError(
      Reason::kKeyChanged,
      absl::StrCat("the token \"", token_->label(),
                   "\" does not have the key any more, or this process may not read the "
                   "token; load the key again"));
}

absl::StatusOr<CK_OBJECT_HANDLE> TokenKey::HandleIn(const SessionLease& lease) const {
  {
    const MutexLock lock(&mutex_);
    if (generation_ == lease.generation()) return handle_;
  }
  ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE handle, Find(lease.session()));
  const MutexLock lock(&mutex_);
  if (generation_ < lease.generation()) {
    generation_ = lease.generation();
    handle_ = handle;
  }
  return handle;
}

absl::StatusOr<std::string> TokenKey::SignDigest(const pkcs11::SignatureScheme& scheme,
                                                 absl::string_view digest) const {
  const QuietQueue quiet;
  absl::StatusOr<std::string> signature =
      WithSession(*token_, [&](const SessionLease& lease) -> absl::StatusOr<std::string> {
        ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE handle, HandleIn(lease));
        return pkcs11::SignDigest(lease.session(), scheme, handle, digest, signature_bytes_);
      });
  if (signature.ok() || !pkcs11::CkRvOf(signature.status()) ||
      ReasonOfProvider(signature.status()) != Reason::kTokenFailed) {
    return signature;
  }
  return ProviderError(Reason::kTokenFailed,
                       absl::StrCat(signature.status().message(), ": the token \"", token_->label(),
                                    "\" did not sign; ", Advice(signature.status())),
                       signature.status());
}

std::string TokenKey::Uri() const {
  return pkcs11::FormatObjectUri(token_->info(), wanted_.label.value_or(""),
                                 wanted_.id.value_or(""), CKO_PRIVATE_KEY);
}

}  // namespace keyward::provider
