// Which attributes a signing key must have.
#ifndef KEYWARD_KEYSTORE_PKCS11_KEY_ATTRIBUTES_H_
#define KEYWARD_KEYSTORE_PKCS11_KEY_ATTRIBUTES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

struct KeyRequirements {
  // Accepts keys whose CKA_LOCAL is false, made elsewhere by a ceremony. Never
  // one that is or ever was extractable.
  bool allow_imported = false;
};

// Reads a private key's attributes back from the token. OK only for an RSA key
// of at least 2048 bits that signs, is sensitive and always was, is not
// extractable and never was, was generated on the token, and asks for no PIN at
// each use. FAILED_PRECONDITION names every attribute that is wrong; an attribute
// that the token does not answer for counts as wrong.
absl::Status CheckPrivateKey(const Session& session, CK_OBJECT_HANDLE key,
                             const KeyRequirements& requirements);

// The same, and also that the key can do nothing but sign: for keys that we have
// generated ourselves.
absl::Status CheckGeneratedKey(const Session& session, CK_OBJECT_HANDLE key);

// A CK_BBOOL attribute as the token answers for it.
struct KeyAttribute {
  // "CKA_SENSITIVE".
  std::string name;
  // Nothing where the token does not answer.
  std::optional<bool> value;
};

// Every attribute that the checks above look at, in a fixed order. Fails only where
// the session does.
absl::StatusOr<std::vector<KeyAttribute>> ReadKeyAttributes(const Session& session,
                                                            CK_OBJECT_HANDLE key);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_KEY_ATTRIBUTES_H_
