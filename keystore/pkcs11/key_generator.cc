#include "keystore/pkcs11/key_generator.h"

#include <openssl/rand.h>

#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/cryptoki_types.h"
#include "keystore/pkcs11/key_attributes.h"
#include "keystore/pkcs11/object_finder.h"

namespace keyward::pkcs11 {
namespace {

constexpr size_t kKeyIdBytes = 16;

absl::StatusOr<TokenKeyPair> ReadPair(const Session& session, CK_OBJECT_HANDLE private_key,
                                      CK_OBJECT_HANDLE public_key) {
  RETURN_IF_ERROR(CheckGeneratedKey(session, private_key));
  TokenKeyPair pair;
  pair.private_key = private_key;
  ASSIGN_OR_RETURN(pair.modulus, ReadBytes(session, public_key, CKA_MODULUS));
  ASSIGN_OR_RETURN(pair.public_exponent, ReadBytes(session, public_key, CKA_PUBLIC_EXPONENT));
  return pair;
}

// The objects of a key pair with this CKA_ID: another tool may have given the same one
// to something else, such as a secret key.
absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjectsOfPair(const Session& session,
                                                                absl::string_view key_id) {
  std::vector<CK_OBJECT_HANDLE> objects;
  for (const CK_OBJECT_CLASS object_class : {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE}) {
    ASSIGN_OR_RETURN(const auto found, FindObjectsById(session, object_class, key_id));
    objects.insert(objects.end(), found.begin(), found.end());
  }
  return objects;
}

}  // namespace

absl::StatusOr<std::string> NewKeyId() {
  std::string key_id(kKeyIdBytes, '\0');
  if (RAND_bytes(reinterpret_cast<uint8_t*>(key_id.data()), kKeyIdBytes) != 1) {
    return OpensslError("cannot make a random key identifier");
  }
  return key_id;
}

absl::StatusOr<TokenKeyPair> GenerateRsaKeyPair(const Session& session, absl::string_view label,
                                                absl::string_view key_id, uint32_t modulus_bits) {
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  CK_ULONG bits = modulus_bits;
  CK_BYTE exponent[] = {0x01, 0x00, 0x01};
  // Every attribute is given: modules differ in what they assume.
  CK_ATTRIBUTE public_template[] = {
      {CKA_TOKEN, &yes, sizeof(yes)},
      {CKA_PRIVATE, &no, sizeof(no)},
      {CKA_VERIFY, &yes, sizeof(yes)},
      {CKA_VERIFY_RECOVER, &no, sizeof(no)},
      {CKA_ENCRYPT, &no, sizeof(no)},
      {CKA_WRAP, &no, sizeof(no)},
      {CKA_DERIVE, &no, sizeof(no)},
      {CKA_MODULUS_BITS, &bits, sizeof(bits)},
      {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)},
      BytesAttribute(CKA_LABEL, label),
      BytesAttribute(CKA_ID, key_id),
  };
  CK_ATTRIBUTE private_template[] = {
      {CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)},
      {CKA_SENSITIVE, &yes, sizeof(yes)}, {CKA_EXTRACTABLE, &no, sizeof(no)},
      {CKA_SIGN, &yes, sizeof(yes)},      {CKA_SIGN_RECOVER, &no, sizeof(no)},
      {CKA_DECRYPT, &no, sizeof(no)},     {CKA_UNWRAP, &no, sizeof(no)},
      {CKA_DERIVE, &no, sizeof(no)},      BytesAttribute(CKA_LABEL, label),
      BytesAttribute(CKA_ID, key_id),
  };
  CK_MECHANISM mechanism = {CKM_RSA_PKCS_KEY_PAIR_GEN, nullptr, 0};
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  RETURN_IF_ERROR(CkStatus(
      session.functions().C_GenerateKeyPair(session.handle(), &mechanism, public_template,
                                            std::size(public_template), private_template,
                                            std::size(private_template), &public_key, &private_key),
      "C_GenerateKeyPair"));
  absl::StatusOr<TokenKeyPair> pair = ReadPair(session, private_key, public_key);
  if (!pair.ok()) {
    // What we made and will not use must not stay; the first error is the one
    // that matters.
    DestroyKeyPair(session, key_id).IgnoreError();
  }
  return pair;
}

absl::StatusOr<TokenKeyPair> FindRsaKeyPair(const Session& session, absl::string_view key_id) {
  ASSIGN_OR_RETURN(const auto private_keys, FindObjectsById(session, CKO_PRIVATE_KEY, key_id));
  ASSIGN_OR_RETURN(const auto public_keys, FindObjectsById(session, CKO_PUBLIC_KEY, key_id));
  if (private_keys.size() != 1 || public_keys.size() != 1) {
    return absl::NotFoundError(absl::StrCat("the token has ", private_keys.size(), " private and ",
                                            public_keys.size(), " public keys of this CKA_ID"));
  }
  return ReadPair(session, private_keys.front(), public_keys.front());
}

absl::Status DestroyKeyPair(const Session& session, absl::string_view key_id) {
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> objects, FindObjectsOfPair(session, key_id));
  for (const CK_OBJECT_HANDLE object : objects) {
    RETURN_IF_ERROR(
        CkStatus(session.functions().C_DestroyObject(session.handle(), object), "C_DestroyObject"));
  }
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> left, FindObjectsOfPair(session, key_id));
  if (left.empty()) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(left.size(), " objects are still on the token after C_DestroyObject"));
}

}  // namespace keyward::pkcs11
