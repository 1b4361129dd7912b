#include "keystore/pkcs11/session.h"

#include <utility>

#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {

Session::Session(const CK_FUNCTION_LIST& functions, CK_SESSION_HANDLE handle)
    : functions_(&functions), handle_(handle) {}

absl::StatusOr<Session> Session::Open(const CK_FUNCTION_LIST& functions, CK_SLOT_ID slot,
                                      Mode mode) {
  const CK_FLAGS flags = CKF_SERIAL_SESSION | (mode == Mode::kReadWrite ? CKF_RW_SESSION : 0);
  CK_SESSION_HANDLE handle = CK_INVALID_HANDLE;
  RETURN_IF_ERROR(
      CkStatus(functions.C_OpenSession(slot, flags, nullptr, nullptr, &handle), "C_OpenSession"));
  return Session(functions, handle);
}

Session::~Session() { Close(); }

Session::Session(Session&& other) noexcept
    : functions_(other.functions_), handle_(std::exchange(other.handle_, CK_INVALID_HANDLE)) {}

Session& Session::operator=(Session&& other) noexcept {
  if (this != &other) {
    Close();
    functions_ = other.functions_;
    handle_ = std::exchange(other.handle_, CK_INVALID_HANDLE);
  }
  return *this;
}

void Session::Close() {
  // The result does not matter: a session that can't be closed is gone already.
  if (handle_ != CK_INVALID_HANDLE) functions_->C_CloseSession(handle_);
}

absl::Status Session::CheckLoggedIn() const {
  CK_SESSION_INFO info{};
  RETURN_IF_ERROR(CkStatus(functions_->C_GetSessionInfo(handle_, &info), "C_GetSessionInfo"));
  const bool logged_in = info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS;
  return logged_in ? absl::OkStatus() : CkStatus(CKR_USER_NOT_LOGGED_IN, "C_GetSessionInfo");
}

}  // namespace keyward::pkcs11
