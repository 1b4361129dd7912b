// CK_RV, the return value of every Cryptoki call, as absl::Status.
#ifndef KEYWARD_KEYSTORE_PKCS11_CK_ERROR_H_
#define KEYWARD_KEYSTORE_PKCS11_CK_ERROR_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/cryptoki.h"

namespace keyward::pkcs11 {

// OK for CKR_OK. Otherwise an error that names the call and the code
// ("C_Sign: CKR_DEVICE_ERROR") and keeps the code as payload:
//   FAILED_PRECONDITION  the PIN is wrong, locked, expired or not set
//   UNAVAILABLE          the code is session-fatal (IsSessionFatal)
//   RESOURCE_EXHAUSTED   CKR_SESSION_COUNT
//   INTERNAL             everything else
// It carries no reason (common/error.h): what a token says is not for callers.
absl::Status CkStatus(CK_RV rv, absl::string_view call);

// The code that CkStatus() kept, or nothing where `status` is not from there.
std::optional<CK_RV> CkRvOf(const absl::Status& status);

// After such a code the session is closed and never used again.
bool IsSessionFatal(CK_RV rv);
bool IsSessionFatal(const absl::Status& status);

// After such a code no login is tried again until an operator acts: each
// attempt counts towards a lock.
bool IsPinError(const absl::Status& status);

// "CKR_PIN_INCORRECT"; in hexadecimal for codes that the standard lacks.
std::string CkRvName(CK_RV rv);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_CK_ERROR_H_
