// One token as the provider uses it: a login and a few sessions.
#ifndef KEYWARD_KEYSTORE_PROVIDER_TOKEN_ACCESS_H_
#define KEYWARD_KEYSTORE_PROVIDER_TOKEN_ACCESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "common/secret.h"
#include "keystore/pkcs11/session.h"
#include "keystore/provider/pin.h"
#include "keystore/provider/shared_module.h"

namespace keyward::provider {

class TokenAccess;

// A session for one thread. Goes back to the token when it dies.
class SessionLease {
 public:
  SessionLease(std::shared_ptr<TokenAccess> token, pkcs11::Session session, uint64_t generation);
  ~SessionLease();
  SessionLease(SessionLease&&) noexcept = default;
  SessionLease& operator=(SessionLease&&) = delete;

  const pkcs11::Session& session() const { return session_; }
  // Object handles are good within one generation.
  uint64_t generation() const { return generation_; }

  // After a session-fatal error: this session and all of its generation go.
  void GiveUp() { given_up_ = true; }

 private:
  std::shared_ptr<TokenAccess> token_;
  pkcs11::Session session_;
  uint64_t generation_;
  bool given_up_ = false;
};

// Sessions are opened as they are needed, up to a small number, and kept; who finds
// all of them in use waits. The PIN is kept, wiped at the end, to log in again after
// a fork or when the token has lost its sessions. Thread-safe.
class TokenAccess : public std::enable_shared_from_this<TokenAccess> {
 public:
  TokenAccess(std::shared_ptr<SharedModule> module, CK_SLOT_ID slot, const CK_TOKEN_INFO& info);
  ~TokenAccess() { ShutDown(); }
  TokenAccess(const TokenAccess&) = delete;
  TokenAccess& operator=(const TokenAccess&) = delete;

  // Logs in, once for the process. kPinRefused where the token refuses the PIN; the
  // same PIN is not tried again, for wrong ones lock the token.
  absl::Status LogIn(const Pin& pin);
  bool logged_in() const;

  // A session, logged in again if LogIn() has been before. Errors are the module's.
  absl::StatusOr<SessionLease> Take();

  const std::string& label() const { return label_; }
  // As it was when the token was found.
  const CK_TOKEN_INFO& info() const { return info_; }

  // Closes the sessions and gives no more. False where some are in use.
  bool ShutDown();

 private:
  friend class SessionLease;

  void GiveBack(pkcs11::Session session, uint64_t generation, bool given_up);
  // Opens one more session; it has been counted already.
  absl::StatusOr<pkcs11::Session> Open();
  absl::Status LogInOn(const pkcs11::Session& session, const Pin& pin);
  absl::Status LogInAgain(const pkcs11::Session& session, uint64_t generation);
  void EnterProcess() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::shared_ptr<SharedModule> module_;
  const CK_SLOT_ID slot_;
  const CK_TOKEN_INFO info_;
  const std::string label_;
  // Of the token, for the record of refused PINs.
  const std::string name_;

  // One login at a time. Taken before mutex_.
  Mutex login_mutex_;
  std::optional<Pin> pin_ ABSL_GUARDED_BY(login_mutex_);
  uint64_t login_generation_ ABSL_GUARDED_BY(login_mutex_) = 0;

  mutable Mutex mutex_;
  pid_t process_ ABSL_GUARDED_BY(mutex_);
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  bool logged_in_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<pkcs11::Session> idle_ ABSL_GUARDED_BY(mutex_);
  // Of this process: idle and leased.
  size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t limit_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_TOKEN_ACCESS_H_
