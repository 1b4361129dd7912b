// Search for objects on a token by template (PKCS#11 section 5.7).
#ifndef KEYWARD_KEYSTORE_PKCS11_OBJECT_FINDER_H_
#define KEYWARD_KEYSTORE_PKCS11_OBJECT_FINDER_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

// A search may read every object of the token: never on the signing path.
//
// A module that says what cannot be true is INTERNAL, with a sentence: more objects than it was
// given room for, over 100,000 of them in one search, an attribute of over 1 MiB, or one that
// grows between two calls.

// What to search by. What is not given matches anything.
struct ObjectTemplate {
  std::optional<CK_OBJECT_CLASS> object_class;
  // CKA_LABEL and CKA_ID.
  std::optional<std::string> label;
  std::optional<std::string> id;
};

// Every object that has all that `wanted` gives; every object that the session
// can see where it gives nothing.
absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjects(const Session& session,
                                                          const ObjectTemplate& wanted);

// Objects of any class with this CKA_ID.
absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjectsById(const Session& session,
                                                              absl::string_view key_id);

// Objects of one class with this CKA_ID.
absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjectsById(const Session& session,
                                                              CK_OBJECT_CLASS object_class,
                                                              absl::string_view key_id);

struct FoundKey {
  CK_OBJECT_HANDLE handle;
  // CKA_ID.
  std::string key_id;
};

// Every private key of the token, in one search.
absl::StatusOr<std::vector<FoundKey>> FindPrivateKeys(const Session& session);

// One attribute of an object: a byte string, a number, a CK_BBOOL. The module's
// error, CKR_ATTRIBUTE_TYPE_INVALID where the object has no such attribute.
absl::StatusOr<std::string> ReadBytes(const Session& session, CK_OBJECT_HANDLE object,
                                      CK_ATTRIBUTE_TYPE type);
absl::StatusOr<CK_ULONG> ReadUlong(const Session& session, CK_OBJECT_HANDLE object,
                                   CK_ATTRIBUTE_TYPE type);
absl::StatusOr<bool> ReadBool(const Session& session, CK_OBJECT_HANDLE object,
                              CK_ATTRIBUTE_TYPE type);

// Such a value for whom an attribute that the token does not answer for is no
// error: nothing in its place. Fails only where the session does.
template <typename T>
absl::StatusOr<std::optional<T>> IfAnswered(absl::StatusOr<T> value) {
  if (value.ok()) return std::optional<T>(*std::move(value));
  if (IsSessionFatal(value.status())) return value.status();
  return std::optional<T>();
}

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_OBJECT_FINDER_H_
