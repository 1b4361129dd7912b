// The only place that calls C_SignInit and C_Sign.
#ifndef KEYWARD_KEYSTORE_PKCS11_TOKEN_SIGNER_H_
#define KEYWARD_KEYSTORE_PKCS11_TOKEN_SIGNER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/mechanism.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

// Signs `message` with RS256 (RFC 7518 section 3.3) and the private key `key`,
// which CheckPrivateKey() has accepted. Returns the raw signature, as long as the
// key's modulus of `signature_bytes`. The signature has not been verified yet.
// Errors are the module's (ck_error.h); `session` must not be used again after a
// session-fatal one. Blocks as long as the token takes: C_Sign can't be cancelled.
absl::StatusOr<std::string> SignRs256(const Session& session, Rs256Mechanism mechanism,
                                      CK_OBJECT_HANDLE key, absl::string_view message,
                                      size_t signature_bytes);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_TOKEN_SIGNER_H_
