// One token as the provider uses it: a login and a few sessions.
#ifndef KEYWARD_KEYSTORE_PROVIDER_TOKEN_ACCESS_H_
#define KEYWARD_KEYSTORE_PROVIDER_TOKEN_ACCESS_H_

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/ck_error.h"
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
// all of them in use waits. The PIN's file is read again to log in after a fork or when
// the token has lost its sessions; a pin-value is kept for that, and wiped at the end.
// Thread-safe.
class TokenAccess : public std::enable_shared_from_this<TokenAccess> {
 public:
  TokenAccess(std::shared_ptr<SharedModule> module, CK_SLOT_ID slot, const CK_TOKEN_INFO& info);
  ~TokenAccess() { ShutDown(); }
  TokenAccess(const TokenAccess&) = delete;
  TokenAccess& operator=(const TokenAccess&) = delete;

  // Logs in, once for the process. kPinRefused where the token refuses the PIN, or may
  // not be asked any more (refused_pins.h).
  absl::Status LogIn(const Pin& pin);

  // A session, logged in again if LogIn() has been before. Errors are the module's;
  // kPinRefused, kPinUnreadable. WithSession() is the way to use one.
  absl::StatusOr<SessionLease> Take();

  const std::string& label() const { return label_; }
  // As it was when the token was found.
  const CK_TOKEN_INFO& info() const { return info_; }

  // Closes the sessions and gives no more. False where some are in use.
  bool ShutDown();

 private:
  friend class SessionLease;

  void GiveBack(pkcs11::Session session, uint64_t generation, bool given_up);
  // Opens one more session, and says of which generation it is; it has been counted
  // already.
  absl::StatusOr<pkcs11::Session> Open(uint64_t& generation);
  // Whether the token has checked the PIN: it does not while somebody is logged in.
  absl::StatusOr<bool> LogInOn(const pkcs11::Session& session, const Pin& pin);
  absl::Status CompareWith(const Pin& kept, const Pin& pin) const;
  absl::Status Refused(const Pin& pin, absl::string_view what) const;
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
  // Whether pin_ is there.
  bool logged_in_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 1;
  std::vector<pkcs11::Session> idle_ ABSL_GUARDED_BY(mutex_);
  // Of this process: idle and leased.
  size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t limit_ ABSL_GUARDED_BY(mutex_);
};

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// What `use` makes of a session's lease: an absl::Status or absl::StatusOr. A session that
// turns out to be lost is given up, and `use` is called once more with another.
template <typename Use>
auto WithSession(TokenAccess& token, Use use) {
  using Result = std::invoke_result_t<Use, const SessionLease&>;
  const auto once = [&]() -> Result {
    ASSIGN_OR_RETURN(SessionLease lease, token.Take());
    Result result = use(lease);
    if (pkcs11::IsSessionFatal(StatusOf(result))) lease.GiveUp();
    return result;
  };
  Result result = once();
  return pkcs11::IsSessionFatal(StatusOf(result)) ? once() : std::move(result);
}

}  // namespace keyward::provider

#endif  // KEYWARD_KEYSTORE_PROVIDER_TOKEN_ACCESS_H_
