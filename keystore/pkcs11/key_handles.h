// Object handles of the signing keys, found and checked once per generation of
// sessions, so that no signature has to search the token.
#ifndef KEYWARD_KEYSTORE_PKCS11_KEY_HANDLES_H_
#define KEYWARD_KEYSTORE_PKCS11_KEY_HANDLES_H_

#include <map>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/key_attributes.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

// By CKA_ID. An entry is a handle, or why that key must not be used. Immutable
// once shared, and trusted only together with the sessions it was found with.
using KeyHandles = absl::flat_hash_map<std::string, absl::StatusOr<CK_OBJECT_HANDLE>>;

// The keys to look for: CKA_ID, and the RSA modulus of the certificate (big-endian),
// so that a key put in another's place is found out before it signs.
using ExpectedKeys = std::map<std::string, std::string>;

// Looks every key of `keys` up and checks its attributes. In the result a key that
// is not there is NOT_FOUND; one that is there twice, is another than the
// certificate's or fails the check is FAILED_PRECONDITION. Fails as a whole where
// the session does.
absl::StatusOr<KeyHandles> FindKeyHandles(const Session& session, const ExpectedKeys& keys,
                                          const KeyRequirements& requirements);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_KEY_HANDLES_H_
