#include "keystore/pkcs11/slot_list.h"

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {
namespace {

constexpr CK_ULONG kMaxSlots = 4096;

absl::Status CheckCount(CK_ULONG count, CK_ULONG room) {
  if (count <= room) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat("C_GetSlotList: the PKCS#11 module is faulty: it says that ", count,
                   " slots have a token where at most ", room, " can be"));
}

}  // namespace

absl::StatusOr<std::vector<CK_SLOT_ID>> SlotsWithToken(const CK_FUNCTION_LIST& functions) {
  CK_ULONG count = 0;
  RETURN_IF_ERROR(CkStatus(functions.C_GetSlotList(CK_TRUE, nullptr, &count), "C_GetSlotList"));
  RETURN_IF_ERROR(CheckCount(count, kMaxSlots));
  std::vector<CK_SLOT_ID> slots(count);
  RETURN_IF_ERROR(
      CkStatus(functions.C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList"));
  RETURN_IF_ERROR(CheckCount(count, slots.size()));
  slots.resize(count);
  return slots;
}

}  // namespace keyward::pkcs11
