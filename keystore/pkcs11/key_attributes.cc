#include "keystore/pkcs11/key_attributes.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/object_finder.h"

namespace keyward::pkcs11 {
namespace {

constexpr size_t kMinModulusBytes = 256;

struct Expected {
  CK_ATTRIBUTE_TYPE type;
  const char* name;
  bool value;
};

constexpr Expected kLocal = {CKA_LOCAL, "CKA_LOCAL", true};
constexpr Expected kProtection[] = {
    {CKA_TOKEN, "CKA_TOKEN", true},
    {CKA_PRIVATE, "CKA_PRIVATE", true},
    {CKA_SENSITIVE, "CKA_SENSITIVE", true},
    {CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", true},
    {CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false},
    {CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", true},
    {CKA_SIGN, "CKA_SIGN", true},
};
constexpr Expected kNothingButSigning[] = {
    {CKA_DECRYPT, "CKA_DECRYPT", false},
    {CKA_UNWRAP, "CKA_UNWRAP", false},
    {CKA_DERIVE, "CKA_DERIVE", false},
    {CKA_SIGN_RECOVER, "CKA_SIGN_RECOVER", false},
};
constexpr Expected kPinPerUse = {CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE", false};

// Adds a sentence to `wrong` for each attribute that is not as expected. Fails
// only where the session does, so that a broken session does not look like a
// badly made key.
absl::Status Compare(const Session& session, CK_OBJECT_HANDLE key,
                     absl::Span<const Expected> expected, std::vector<std::string>& wrong) {
  for (const Expected& attribute : expected) {
    ASSIGN_OR_RETURN(const std::optional<bool> value,
                     IfAnswered(ReadBool(session, key, attribute.type)));
    if (!value) {
      wrong.push_back(absl::StrCat(attribute.name, " cannot be read"));
    } else if (*value != attribute.value) {
      wrong.push_back(absl::StrCat(attribute.name, " is ", attribute.value ? "false" : "true"));
    }
  }
  return absl::OkStatus();
}

// Checked before anything else is: with a key of another type C_SignInit has
// crashed modules.
absl::Status CheckIsRsa(const Session& session, CK_OBJECT_HANDLE key) {
  ASSIGN_OR_RETURN(const CK_OBJECT_CLASS object_class, ReadUlong(session, key, CKA_CLASS));
  ASSIGN_OR_RETURN(const CK_KEY_TYPE key_type, ReadUlong(session, key, CKA_KEY_TYPE));
  if (object_class != CKO_PRIVATE_KEY || key_type != CKK_RSA) {
    return absl::FailedPreconditionError("the key on the token is not an RSA private key");
  }
  ASSIGN_OR_RETURN(const std::string modulus, ReadBytes(session, key, CKA_MODULUS));
  if (modulus.size() < kMinModulusBytes) {
    return absl::FailedPreconditionError("the key on the token is shorter than 2048 bits");
  }
  return absl::OkStatus();
}

// CKA_ALWAYS_AUTHENTICATE is optional; a token that does not know it never asks.
absl::Status CheckNoPinPerUse(const Session& session, CK_OBJECT_HANDLE key,
                              std::vector<std::string>& wrong) {
  ASSIGN_OR_RETURN(const std::optional<bool> value,
                   IfAnswered(ReadBool(session, key, kPinPerUse.type)));
  if (value.value_or(false)) wrong.push_back(absl::StrCat(kPinPerUse.name, " is true"));
  return absl::OkStatus();
}

absl::Status Refused(const std::vector<std::string>& wrong) {
  if (wrong.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the key on the token is not protected as a signing key must be: ",
                   absl::StrJoin(wrong, ", ")));
}

}  // namespace

absl::Status CheckPrivateKey(const Session& session, CK_OBJECT_HANDLE key,
                             const KeyRequirements& requirements) {
  RETURN_IF_ERROR(CheckIsRsa(session, key));
  std::vector<std::string> wrong;
  RETURN_IF_ERROR(Compare(session, key, kProtection, wrong));
  if (!requirements.allow_imported) {
    RETURN_IF_ERROR(Compare(session, key, absl::MakeConstSpan(&kLocal, 1), wrong));
  }
  RETURN_IF_ERROR(CheckNoPinPerUse(session, key, wrong));
  return Refused(wrong);
}

absl::Status CheckGeneratedKey(const Session& session, CK_OBJECT_HANDLE key) {
  RETURN_IF_ERROR(CheckPrivateKey(session, key, {.allow_imported = false}));
  std::vector<std::string> wrong;
  RETURN_IF_ERROR(Compare(session, key, kNothingButSigning, wrong));
  return Refused(wrong);
}

absl::StatusOr<std::vector<KeyAttribute>> ReadKeyAttributes(const Session& session,
                                                            CK_OBJECT_HANDLE key) {
  std::vector<KeyAttribute> attributes;
  for (const absl::Span<const Expected> group :
       {absl::MakeConstSpan(kProtection), absl::MakeConstSpan(&kLocal, 1),
        absl::MakeConstSpan(kNothingButSigning), absl::MakeConstSpan(&kPinPerUse, 1)}) {
    for (const Expected& attribute : group) {
      ASSIGN_OR_RETURN(const std::optional<bool> value,
                       IfAnswered(ReadBool(session, key, attribute.type)));
      attributes.push_back({attribute.name, value});
    }
  }
  return attributes;
}

}  // namespace keyward::pkcs11
