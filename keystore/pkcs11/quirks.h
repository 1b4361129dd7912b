// What single modules do differently from the standard, or from all others, and
// what Keyward does about it. The one place for it: nothing else asks which module
// it has before it. docs/tokens.md says how each was found.
//
// No entry may make a check of a key's attributes pass that would not pass
// without it.
#ifndef KEYWARD_KEYSTORE_PKCS11_QUIRKS_H_
#define KEYWARD_KEYSTORE_PKCS11_QUIRKS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "keystore/pkcs11/cryptoki.h"

namespace keyward::pkcs11 {

struct Quirks {
  // A library that the module brings in, and that must stay in the process when
  // the module is unloaded. Null for none.
  const char* keep_loaded = nullptr;
};

// The entry of the table for the module that says this of itself; the default
// for one that has none.
Quirks QuirksOf(const CK_INFO& info);

// Acts on the entry of the module in `functions`, which has been initialised.
// Leaves a module alone that does not answer C_GetInfo.
void ApplyQuirks(const CK_FUNCTION_LIST& functions);

struct FinalizeInstance {
  void operator()(const CK_FUNCTION_LIST* functions) const;
};
// Calls C_Finalize when it goes.
using ModuleInstance = std::unique_ptr<const CK_FUNCTION_LIST, FinalizeInstance>;

// p11-kit-client.so gives each caller of C_GetFunctionList an instance of its own,
// with its own connection, login and objects; to have initialised one (libp11's)
// leaves `functions` (ours) without. Its CK_INFO is the served module's, so it
// is known by that. Initialises `functions` then; null where they already are.
absl::StatusOr<ModuleInstance> InitialiseOwnInstance(const CK_FUNCTION_LIST& functions);

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_QUIRKS_H_
