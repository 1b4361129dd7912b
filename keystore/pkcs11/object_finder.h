// Search for objects on a token by template (PKCS#11 section 5.7).
#ifndef KEYWARD_KEYSTORE_PKCS11_OBJECT_FINDER_H_
#define KEYWARD_KEYSTORE_PKCS11_OBJECT_FINDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

// A search may read every object of the token: never on the signing path.

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

// A byte-string attribute of an object.
absl::StatusOr<std::string> ReadBytes(const Session& session, CK_OBJECT_HANDLE object,
                                      CK_ATTRIBUTE_TYPE type);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_OBJECT_FINDER_H_
