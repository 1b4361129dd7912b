// The slots that have a token (PKCS#11 section 5.5, C_GetSlotList).
#ifndef KEYWARD_KEYSTORE_PKCS11_SLOT_LIST_H_
#define KEYWARD_KEYSTORE_PKCS11_SLOT_LIST_H_

#include <vector>

#include "absl/status/statusor.h"
#include "keystore/pkcs11/cryptoki.h"

namespace keyward::pkcs11 {

// The module's error; INTERNAL where it says that it has over 4096 slots, or more than it was given
// room for. Thread-safe as the module is.
absl::StatusOr<std::vector<CK_SLOT_ID>> SlotsWithToken(const CK_FUNCTION_LIST& functions);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_SLOT_LIST_H_
