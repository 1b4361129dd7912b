// What a token says of a private key: to show it, and to take one over.
#ifndef KEYWARD_KEYSTORE_PKCS11_KEY_DETAILS_H_
#define KEYWARD_KEYSTORE_PKCS11_KEY_DETAILS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/key_attributes.h"
#include "keystore/pkcs11/object_uri.h"
#include "keystore/pkcs11/session.h"

namespace keyward::pkcs11 {

struct KeyDetails {
  // CKA_LABEL and CKA_ID.
  std::string label;
  std::string key_id;
  CK_KEY_TYPE key_type = CKK_RSA;
  // Of an RSA key.
  std::optional<size_t> modulus_bits;
  std::vector<KeyAttribute> attributes;
  // CKA_KEY_GEN_MECHANISM, "CKM_RSA_PKCS_KEY_PAIR_GEN"; nothing where the token does
  // not answer, or says that it did not generate the key.
  std::optional<std::string> generation_mechanism;
  // RFC 7512; names the token by all that it has.
  std::string uri;
};

// Reads the private key with this CKA_ID. NOT_FOUND, KEY_NOT_ON_TOKEN where there is none;
// FAILED_PRECONDITION, KEY_AMBIGUOUS where there are several; else the module's error.
// It searches the token: never on the signing path.
absl::StatusOr<KeyDetails> ReadKeyDetails(const Session& session, absl::string_view key_id);

// A key that a ceremony made on the token with other tools.
struct AdoptableKey {
  CK_OBJECT_HANDLE handle = CK_INVALID_HANDLE;
  // CKA_ID: not empty, and no other private key's.
  std::string key_id;
  // Big-endian.
  std::string modulus;
  std::string public_exponent;
};

// Which keys may be adopted. Those that Keyward has made, labelled "keyward/…", never
// may: they are a connection's already, or were.
struct AdoptionScope {
  // CKA_LABELs, each exact or a beginning followed by '*'.
  std::vector<std::string> labels = {"*"};
};

// The one RSA private key that `uri` means on the session's token, if it may sign.
//   INVALID_ARGUMENT KEY_URI_INVALID         the URI means another token or another type of object,
//                                            or has module-path or a PIN
//   NOT_FOUND KEY_NOT_ON_TOKEN               no private key within `scope` matches; that one
//                                            outside of it does is not told
//   FAILED_PRECONDITION KEY_AMBIGUOUS        several do
//   FAILED_PRECONDITION KEY_NOT_ADOPTABLE    CheckPrivateKey() refuses it, which names its
//   attributes;
//                                            it has no CKA_ID, or one that is another private key's
//                                            too; or its public exponent is nowhere to be read
absl::StatusOr<AdoptableKey> FindKeyForAdoption(const Session& session, const ObjectUri& uri,
                                                const AdoptionScope& scope,
                                                const KeyRequirements& requirements);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_KEY_DETAILS_H_
