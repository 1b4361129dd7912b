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
#include "keystore/pkcs11/certificate_writer.h"
#include "keystore/pkcs11/cryptoki.h"
#include "keystore/pkcs11/object_uri.h"
#include "keystore/pkcs11/token_uri.h"

struct PKCS11_ctx_st;

namespace keyward::pkcs11 {

// Loads and initialises a module through libp11 and stores certificates with it; all
// other calls go to the module's own function list. Thread-safe, as the module
// is initialised with CKF_OS_LOCKING_OK. Destroying it calls C_Finalize and
// unloads: every session must be closed before, and the process must not exit
// earlier, or the module's own exit handlers may crash it.
//
// A module that something else in this process has initialised is borrowed: it is
// used as it is, libp11 is kept away from it (it would close the others' sessions),
// and it is not finalised. Of two Modules of one file the second borrows from the
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

  bool borrowed() const { return writer_ == nullptr; }

  // The slot of the one initialised token that `uri` matches, made ready for
  // certificates: call it before the first session there. NOT_FOUND where there is
  // none, FAILED_PRECONDITION where there are several; both name the labels of the
  // tokens that are there, and neither an ObjectUri, which may hold a PIN.
  absl::StatusOr<CK_SLOT_ID> FindToken(const TokenUri& uri) const;
  absl::StatusOr<CK_SLOT_ID> FindToken(const ObjectUri& uri) const;

  // See CertificateWriter::Store. `slot` is one that FindToken() returned.
  // FAILED_PRECONDITION where the module is borrowed.
  absl::Status StoreCertificate(CK_SLOT_ID slot, const X509& certificate, absl::string_view label,
                                absl::string_view key_id) const;

  // libp11's hold on the slots; null where the module is borrowed.
  CertificateWriter* writer() const { return writer_.get(); }

 private:
  struct CloseLibrary {
    void operator()(void* library) const;
  };
  struct FinalizeList {
    void operator()(const CK_FUNCTION_LIST* functions) const;
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

  // p11-kit's client gives everybody who asks a function list and a connection of
  // their own: libp11 has initialised its own then, and not ours.
  absl::Status InitializeOwnList();

  Module(Library library, Context context, const CK_FUNCTION_LIST* functions);

  absl::StatusOr<std::vector<PresentToken>> Tokens() const;
  absl::StatusOr<CK_SLOT_ID> FindToken(absl::FunctionRef<bool(const CK_TOKEN_INFO&)> matches,
                                       absl::string_view what) const;

  // Destroyed in reverse: libp11's slots, C_Finalize, then our hold on the library.
  Library library_;
  Context context_;
  std::unique_ptr<const CK_FUNCTION_LIST, FinalizeList> own_list_;
  const CK_FUNCTION_LIST* functions_;
  std::unique_ptr<CertificateWriter> writer_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_MODULE_H_
