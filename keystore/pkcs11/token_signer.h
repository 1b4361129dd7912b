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

// Signs a digest that the caller made. Returns the raw signature of exactly
// `signature_bytes`: for RSA as long as the modulus, for ECDSA r and s one after
// the other, half of that each (PKCS#11 2.40 section 2.3.6). INVALID_ARGUMENT where the digest
// is not as long as the scheme's hash or a PSS salt does not fit in the signature;
// the rest is as for SignRs256(). `key` must be of the scheme's type: with another,
// modules have crashed.
absl::StatusOr<std::string> SignDigest(const Session& session, const SignatureScheme& scheme,
                                       CK_OBJECT_HANDLE key, absl::string_view digest,
                                       size_t signature_bytes);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_TOKEN_SIGNER_H_
