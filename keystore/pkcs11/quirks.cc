#include "keystore/pkcs11/quirks.h"

#include <dlfcn.h>

#include "absl/strings/string_view.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
#include "keystore/pkcs11/cryptoki_types.h"

namespace keyward::pkcs11 {
namespace {

struct Entry {
  absl::string_view manufacturer;
  absl::string_view description;
  Quirks quirks;
};

constexpr Entry kTable[] = {
    // openCryptoki. Its tokens use GNU's transactional memory, which keeps a
    // thread's state where unloading does not reach it: a slot of the thread control
    // block. Loaded again, it follows that pointer into memory that is gone.
    {"IBM", "Meta PKCS11 LIBRARY", {.keep_loaded = "libitm.so.1"}},
};

}  // namespace

Quirks QuirksOf(const CK_INFO& info) {
  for (const Entry& entry : kTable) {
    if (entry.manufacturer == PaddedText(info.manufacturerID) &&
        entry.description == PaddedText(info.libraryDescription)) {
      return entry.quirks;
    }
  }
  return {};
}

void ApplyQuirks(const CK_FUNCTION_LIST& functions) {
  CK_INFO info{};
  if (functions.C_GetInfo(&info) != CKR_OK) return;
  const Quirks quirks = QuirksOf(info);
  if (quirks.keep_loaded == nullptr) return;
  // Only marks it, where it is there: closing the handle does not unload it.
  void* library = dlopen(quirks.keep_loaded, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  if (library != nullptr) dlclose(library);
}

void FinalizeInstance::operator()(const CK_FUNCTION_LIST* functions) const {
  functions->C_Finalize(nullptr);
}

absl::StatusOr<ModuleInstance> InitialiseOwnInstance(const CK_FUNCTION_LIST& functions) {
  CK_ULONG count = 0;
  // C_GetInfo is answered in any case.
  if (functions.C_GetSlotList(CK_FALSE, nullptr, &count) != CKR_CRYPTOKI_NOT_INITIALIZED) {
    return nullptr;
  }
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  RETURN_IF_ERROR(CkStatus(functions.C_Initialize(&arguments), "C_Initialize"));
  return ModuleInstance(&functions);
}

}  // namespace keyward::pkcs11
