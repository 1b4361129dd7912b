// Object handles of the signing keys, found and checked once per generation of
// sessions, so that no signature has to search the token.
#ifndef KEYWARD_KEYSTORE_PKCS11_KEY_HANDLES_H_
#define KEYWARD_KEYSTORE_PKCS11_KEY_HANDLES_H_

#include <set>
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

// Looks every key of `key_ids` up and checks its attributes. In the result a key
// that is not there is NOT_FOUND, one that is there twice or fails the check
// FAILED_PRECONDITION. Fails as a whole where the session does.
absl::StatusOr<KeyHandles> FindKeyHandles(const Session& session,
                                          const std::set<std::string>& key_ids,
                                          const KeyRequirements& requirements);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_KEY_HANDLES_H_
