#include "keystore/pkcs11/object_finder.h"

#include <utility>

#include "absl/types/span.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {
namespace {

constexpr CK_ULONG kBatch = 64;

CK_ATTRIBUTE IdAttribute(absl::string_view key_id) {
  return {CKA_ID, const_cast<char*>(key_id.data()), static_cast<CK_ULONG>(key_id.size())};
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
    found.insert(found.end(), batch, batch + count);
  }
  // Ended after an error too, or the session stays in the search for ever.
  const absl::Status ended =
      CkStatus(functions.C_FindObjectsFinal(session.handle()), "C_FindObjectsFinal");
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(ended);
  return found;
}

}  // namespace

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjectsById(const Session& session,
                                                              absl::string_view key_id) {
  CK_ATTRIBUTE wanted[] = {IdAttribute(key_id)};
  return Find(session, absl::MakeSpan(wanted));
}

absl::StatusOr<std::vector<CK_OBJECT_HANDLE>> FindObjectsById(const Session& session,
                                                              CK_OBJECT_CLASS object_class,
                                                              absl::string_view key_id) {
  CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &object_class, sizeof(object_class)}, IdAttribute(key_id)};
  return Find(session, absl::MakeSpan(wanted));
}

absl::StatusOr<std::vector<FoundKey>> FindPrivateKeys(const Session& session) {
  CK_OBJECT_CLASS object_class = CKO_PRIVATE_KEY;
  CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &object_class, sizeof(object_class)}};
  ASSIGN_OR_RETURN(const std::vector<CK_OBJECT_HANDLE> handles,
                   Find(session, absl::MakeSpan(wanted)));
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
  std::string value(attribute.ulValueLen, '\0');
  attribute.pValue = value.data();
  RETURN_IF_ERROR(CkStatus(functions.C_GetAttributeValue(session.handle(), object, &attribute, 1),
                           "C_GetAttributeValue"));
  value.resize(attribute.ulValueLen);
  return value;
}

}  // namespace keyward::pkcs11
