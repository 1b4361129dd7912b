// One PKCS#11 session.
#ifndef KEYWARD_KEYSTORE_PKCS11_SESSION_H_
#define KEYWARD_KEYSTORE_PKCS11_SESSION_H_

#include "absl/status/statusor.h"
#include "keystore/pkcs11/cryptoki.h"

namespace keyward::pkcs11 {

// Closes itself. It never logs out: a login belongs to the application, so one
// C_Logout would log every other session out too. Move-only; used by one thread
// at a time (PKCS#11 section 2.6.3). Must not outlive its module.
class Session {
 public:
  enum class Mode { kReadOnly, kReadWrite };

  // The module's error: CKR_SESSION_COUNT (RESOURCE_EXHAUSTED) where the token
  // has no more sessions.
  static absl::StatusOr<Session> Open(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot,
                                      Mode mode);
  ~Session();
  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;

  // Forgets the session without closing it: after fork() it is the parent's.
  void Abandon() { handle_ = CK_INVALID_HANDLE; }

  CK_SESSION_HANDLE handle() const { return handle_; }
  const CK_FUNCTION_LIST& functions() const { return *functions_; }

  // Whether the session is alive and the user is logged in, as the module says.
  absl::Status CheckLoggedIn() const;

 private:
  Session(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE handle);
  void Close();

  const CK_FUNCTION_LIST* functions_;
  CK_SESSION_HANDLE handle_;
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_SESSION_H_
