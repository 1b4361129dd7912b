// A loaded PKCS#11 module.
#ifndef KEYWARD_KEYSTORE_PKCS11_MODULE_H_
#define KEYWARD_KEYSTORE_PKCS11_MODULE_H_

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/object_uri.h"
#include "keystore/pkcs11/quirks.h"
#include "keystore/pkcs11/token_uri.h"

struct PKCS11_ctx_st;

namespace keyward::pkcs11 {

// Loads and initialises a module through libp11; all other calls go to the module's
// own function list. Thread-safe, as the module is initialised with
// CKF_OS_LOCKING_OK. Destroying it calls C_Finalize and
// unloads: every session must be closed before, and the process must not exit
// earlier, or the module's own exit handlers may crash it.
//
// A module that something else in this process has initialised is borrowed: it is
// used as it is, and it is not finalised. Of two Modules of one file the second borrows from the
// first, and must go before it.
class Module {
 public:
  // NOT_FOUND where the file is not there or is no PKCS#11 module, with the
  // loader's words; the module's error where C_Initialize fails.
  static absl::StatusOr<std::unique_ptr<Module>> Load(const std::string& path);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const CK_FUNCTION_LIST& functions() const { return *functions_; }

  bool borrowed() const { return context_ == nullptr; }

  // The slot of the one initialised token that `uri` matches. NOT_FOUND where there
  // is none, FAILED_PRECONDITION where there are several; both name the labels of the
  // tokens that are there, and neither an ObjectUri, which may hold a PIN.
  absl::StatusOr<CK_SLOT_ID> FindToken(const TokenUri& uri) const;
  absl::StatusOr<CK_SLOT_ID> FindToken(const ObjectUri& uri) const;

 private:
  struct CloseLibrary {
    void operator()(void* library) const;
  };
  struct UnloadContext {
    void operator()(PKCS11_ctx_st* context) const;
  };
  using Library = std::unique_ptr<void, CloseLibrary>;
  using Context = std::unique_ptr<PKCS11_ctx_st, UnloadContext>;

  struct PresentToken {
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
  };

  Module(Library library, Context context, ModuleInstance instance,
         const CK_FUNCTION_LIST* functions);

  // libp11's context, or null where something else has initialised the module.
  static absl::StatusOr<Context> Initialise(const std::string& path,
                                            const CK_FUNCTION_LIST& functions);
  absl::StatusOr<std::vector<PresentToken>> Tokens() const;
  absl::StatusOr<CK_SLOT_ID> FindToken(absl::FunctionRef<bool(const CK_TOKEN_INFO&)> matches,
                                       absl::string_view what) const;

  // Destroyed in reverse: C_Finalize first, then our hold on the library.
  Library library_;
  Context context_;
  // Null unless the module needed one of our own.
  ModuleInstance instance_;
  const CK_FUNCTION_LIST* functions_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_MODULE_H_
