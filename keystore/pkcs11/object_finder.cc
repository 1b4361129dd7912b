#include "keystore/pkcs11/object_finder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/cryptoki_types.h"

namespace keyward::pkcs11 {
namespace {

constexpr CK_ULONG kBatch = 64;
// Far more than a token of signing keys has: beyond them the module is taken to repeat itself.
constexpr size_t kMaxObjects = 100'000;
// What is read are names, numbers and certificates.
constexpr CK_ULONG kMaxValueBytes = CK_ULONG{1} << 20;

// Says what cannot be true. Not the module's code, so the session stays in use.
absl::Status Faulty(absl::string_view call, absl::string_view what) {
  return absl::InternalError(absl::StrCat(call, ": the PKCS#11 module is faulty: ", what));
}

absl::Status FaultyLength(CK_ATTRIBUTE_TYPE type, CK_ULONG length) {
  return Faulty("C_GetAttributeValue", absl::StrCat("it says that attribute 0x", absl::Hex(type),
                                                    " has ", length, " bytes"));
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> Find(const Session& session,
                                                   absl::Span<CK_ATTRIBUTE> wanted) {
  const CK_FUNCTION_LIST& functions = session.functions();
  RETURN_IF_ERROR(CkStatus(functions.C_FindObjectsInit(session.handle(), wanted.data(),
                                                       static_cast<CK_ULONG>(wanted.size())),
                           "C_FindObjectsInit"));
  std::vector<CK_OBJECT_HANDLE> found;
  absl::Status status;
  for (;;) {
    CK_OBJECT_HANDLE batch[kBatch];
    CK_ULONG count = 0;
    status =
        CkStatus(functions.C_FindObjects(session.handle(), batch, kBatch, &count), "C_FindObjects");
    if (!status.ok() || count == 0) break;
    if (count > kBatch) {
      status =
          Faulty("C_FindObjects", absl::StrCat("it says that it found ", count,
                                               " objects where it was given room for ", kBatch));
      break;
    }
    if (found.size() + count > kMaxObjects) {
      status = Faulty("C_FindObjects", absl::StrCat("it finds more than ", kMaxObjects,
                                                    " objects and comes to no end"));
      break;
    }
    found.insert(found.end(), batch, batch + count);
  }
  // Ended after an error too, or the session stays in the search for ever.
  const absl::Status ended =
      CkStatus(functions.C_FindObjectsFinal(session.handle()), "C_FindObjectsFinal");
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(ended);
  return found;
}

template <typename T>
absl::StatusOr<T> ReadValue(const Session& session, CK_OBJECT_HANDLE object,
                            CK_ATTRIBUTE_TYPE type) {
  T value{};
  CK_ATTRIBUTE attribute = {type, &value, sizeof(value)};
  RETURN_IF_ERROR(
      CkStatus(session.functions().C_GetAttributeValue(session.handle(), object, &attribute, 1),
               "C_GetAttributeValue"));
  if (attribute.ulValueLen != sizeof(value)) {
    return CkStatus(CKR_ATTRIBUTE_VALUE_INVALID, "C_GetAttributeValue");
  }
  return value;
}

}  // namespace

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjects(const Session& session,
                                                          const ObjectTemplate& wanted) {
  std::vector<CK_ATTRIBUTE> attributes;
  CK_OBJECT_CLASS object_class = wanted.object_class.value_or(0);
  if (wanted.object_class) attributes.push_back({CKA_CLASS, &object_class, sizeof(object_class)});
  if (wanted.label) attributes.push_back(BytesAttribute(CKA_LABEL, *wanted.label));
  if (wanted.id) attributes.push_back(BytesAttribute(CKA_ID, *wanted.id));
  return Find(session, absl::MakeSpan(attributes));
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjectsById(const Session& session,
                                                              absl::string_view key_id) {
  return FindObjects(session, {.id = std::string(key_id)});
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjectsById(const Session& session,
                                                              CK_OBJECT_CLASS object_class,
                                                              absl::string_view key_id) {
  return FindObjects(session, {.object_class = object_class, .id = std::string(key_id)});
}

absl::StatusOr<std::vector<FoundKey>> FindPrivateKeys(const Session& session) {
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> handles,
                   FindObjects(session, {.object_class = CKO_PRIVATE_KEY}));
  std::vector<FoundKey> keys;
  keys.reserve(handles.size());
  for (const CK_OBJECT_HANDLE handle : handles) {
    ASSIGN_OR_RETURN(std::string key_id, ReadBytes(session, handle, CKA_ID));
    keys.push_back({handle, std::move(key_id)});
  }
  return keys;
}

absl::StatusOr<std::string> ReadBytes(const Session& session, CK_OBJECT_HANDLE object,
                                      CK_ATTRIBUTE_TYPE type) {
  const CK_FUNCTION_LIST& functions = session.functions();
  CK_ATTRIBUTE attribute = {type, nullptr, 0};
  RETURN_IF_ERROR(CkStatus(functions.C_GetAttributeValue(session.handle(), object, &attribute, 1),
                           "C_GetAttributeValue"));
  // Some modules say so without an error.
  if (attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION) {
    return CkStatus(CKR_ATTRIBUTE_TYPE_INVALID, "C_GetAttributeValue");
  }
  if (attribute.ulValueLen > kMaxValueBytes) return FaultyLength(type, attribute.ulValueLen);
  std::string value(attribute.ulValueLen, '\0');
  attribute.pValue = value.data();
  RETURN_IF_ERROR(CkStatus(functions.C_GetAttributeValue(session.handle(), object, &attribute, 1),
                           "C_GetAttributeValue"));
  if (attribute.ulValueLen > value.size()) return FaultyLength(type, attribute.ulValueLen);
  value.resize(attribute.ulValueLen);
  return value;
}

absl::StatusOr<CK_ULONG> ReadUlong(const Session& session, CK_OBJECT_HANDLE object,
                                   CK_ATTRIBUTE_TYPE type) {
  return ReadValue<CK_ULONG>(session, object, type);
}

absl::StatusOr<bool> ReadBool(const Session& session, CK_OBJECT_HANDLE object,
                              CK_ATTRIBUTE_TYPE type) {
  ASSIGN_OR_RETURN(const CK_BBOOL value, ReadValue<CK_BBOOL>(session, object, type));
  return value != CK_FALSE;
}

}  // namespace keyward::pkcs11
