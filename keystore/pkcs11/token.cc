#include "keystore/pkcs11/token.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"

namespace keyward::pkcs11 {

Token::Token(TokenOptions options) : options_(std::move(options)) {}

Token::~Token() = default;

absl::StatusOr<std::unique_ptr<Token>> Token::New(TokenOptions options) {
  std::unique_ptr<Token> token(new Token(std::move(options)));
  RETURN_IF_ERROR(token->Reload());
  return token;
}

absl::Status Token::Reload() {
  held_session_.reset();
  module_.reset();
  ASSIGN_OR_RETURN(module_, Module::Load(options_.module_path));
  ASSIGN_OR_RETURN(slot_, module_->FindToken(options_.uri));
  ASSIGN_OR_RETURN(rs256_, ChooseRs256(module_->functions(), slot_));
  ASSIGN_OR_RETURN(held_session_,
                   Session::Open(module_->functions(), slot_, Session::Mode::kReadWrite));
  return LogIn();
}

absl::Status Token::Reconnect() {
  if (module_ == nullptr) return absl::UnavailableError("the module is not loaded");
  // A session may outlive its token: SoftHSM's is still logged in when the token's
  // directory has gone and come back, and sees no object any more.
  CK_TOKEN_INFO info{};
  RETURN_IF_ERROR(CkStatus(module_->functions().C_GetTokenInfo(slot_, &info), "C_GetTokenInfo"));
  if (held_session_ && held_session_->CheckLoggedIn().ok()) return absl::OkStatus();
  held_session_.reset();
  ASSIGN_OR_RETURN(held_session_,
                   Session::Open(module_->functions(), slot_, Session::Mode::kReadWrite));
  if (held_session_->CheckLoggedIn().ok()) return absl::OkStatus();
  return LogIn();
}

absl::Status Token::LogIn() const {
  ASSIGN_OR_RETURN(const Secret pin, options_.read_pin());
  // C_Login takes the PIN as non-const but does not change it (PKCS#11 11.6).
  auto* text = reinterpret_cast<CK_UTF8CHAR_PTR>(const_cast<char*>(pin.Expose().data()));
  const CK_RV rv = module_->functions().C_Login(held_session_->handle(), CKU_USER, text,
                                                static_cast<CK_ULONG>(pin.Expose().size()));
  if (rv == CKR_USER_ALREADY_LOGGED_IN) return absl::OkStatus();
  absl::Status status = CkStatus(rv, "C_Login");
  if (IsPinError(status)) {
    return Annotate(status, absl::StrCat("the token refused the PIN from ", options_.pin_source,
                                         "; it was tried once and will not be tried again before "
                                         "a restart, because wrong PINs lock the token"));
  }
  return status;
}

absl::StatusOr<Session> Token::OpenSession() const {
  return Session::Open(module_->functions(), slot_, Session::Mode::kReadOnly);
}

}  // namespace keyward::pkcs11
