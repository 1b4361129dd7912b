// Logged-in sessions of one token, taken within a deadline.
#ifndef KEYWARD_KEYSTORE_PKCS11_SESSION_POOL_H_
#define KEYWARD_KEYSTORE_PKCS11_SESSION_POOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "keystore/pkcs11/key_generator.h"
#include "keystore/pkcs11/key_handles.h"
#include "keystore/pkcs11/recovery.h"
#include "keystore/pkcs11/token.h"

namespace keyward::pkcs11 {

class SessionPool;

// A session that is this thread's until the lease dies. Move-only.
class SessionLease {
 public:
  ~SessionLease();
  SessionLease(SessionLease&& other) noexcept;
  SessionLease& operator=(SessionLease&&) = delete;

  const Session& session() const { return *session_; }
  Rs256Mechanism rs256() const { return rs256_; }

  // The handle of the private key with this CKA_ID in this session's generation,
  // or why it must not be used. Never searches the token. NOT_FOUND also for a key
  // that the pool was never told of.
  absl::StatusOr<CK_OBJECT_HANDLE> FindKey(absl::string_view key_id) const;

  // Says what a call on the session returned. After a session-fatal error the
  // whole generation of sessions is closed and recovery begins.
  void Report(const absl::Status& status);

  // Says that this generation can't be trusted for another reason, such as a
  // signature that does not verify.
  void Distrust();

 private:
  friend class SessionPool;
  SessionLease(SessionPool* pool, std::optional<Session> own, const Session* held,
               Rs256Mechanism rs256, std::shared_ptr<const KeyHandles> handles);

  SessionPool* pool_;
  // Empty for the held session, which stays the token's.
  std::optional<Session> own_;
  const Session* session_;
  Rs256Mechanism rs256_;
  std::shared_ptr<const KeyHandles> handles_;
  bool broken_ = false;
};

struct SessionPoolOptions {
  // Sessions for signing, 1 or more. The token may allow fewer; the pool then
  // makes do with what it gets.
  size_t size = 2;
  KeyRequirements key_requirements = {};
  // The module is unloaded and loaded again at most once in this time.
  absl::Duration reload_interval = absl::Seconds(30);
  // After a failed recovery the next is not tried before this has passed.
  absl::Duration retry_interval = absl::Seconds(1);
};

// A picture of the pool, for monitoring.
struct SessionPoolStats {
  // Sessions for signing; while the token is away, as many as there were.
  size_t sessions = 0;
  // Those of them that are taken.
  size_t in_use = 0;
  // How often the pool has recovered from a session-fatal error since it was made, and
  // how often it tried in vain.
  uint64_t recoveries = 0;
  uint64_t failed_recoveries = 0;
};

// Thread-safe. All sessions of a generation live and die together: when one of
// them reports a session-fatal error, the pool waits until every lease has come
// back, closes all, and recovers; only then does it hand out the next
// generation's. So no session is closed while another is signing, which crashes
// some modules, and no handle outlives the sessions it was found with.
//
// Recovery runs in the thread that asks for a session first. Must be destroyed
// after every lease, and before the process exits.
class SessionPool {
 public:
  // Opens the sessions. Fails where the token gives none at all.
  static absl::StatusOr<std::unique_ptr<SessionPool>> New(std::unique_ptr<Token> token,
                                                          const SessionPoolOptions& options);
  ~SessionPool();
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  // A session for signing. Waits until one is free, but not past `deadline`:
  // DEADLINE_EXCEEDED, DEADLINE_PASSED. UNAVAILABLE, TOKEN_UNAVAILABLE at once
  // where the token does not work and it is not yet time to try it again.
  absl::StatusOr<SessionLease> Take(absl::Time deadline);

  // The read-write session that holds the login, for one administrator at a time.
  // Errors as for Take().
  absl::StatusOr<SessionLease> TakeForAdministration(absl::Time deadline);

  // OK where a session can be had and the token answers that it is logged in, and
  // where all are busy but still come back from their work.
  absl::Status CheckReady(absl::Time deadline);

  // Tells the pool which keys to hold handles of, in place of those before, and
  // looks them up. A key that is missing or refused is no error here: FindKey()
  // says so.
  absl::Status SetKeys(const ExpectedKeys& keys, absl::Time deadline);

  // Adds a key just generated under `administration`, so that it need not be
  // searched for; forgets one that is destroyed.
  void AddKey(const SessionLease& administration, const std::string& key_id,
              const TokenKeyPair& pair);
  void RemoveKey(const std::string& key_id);

  // How many sessions there are for signing.
  size_t size() const;

  // Cheap: never waits for the token.
  SessionPoolStats stats() const;

 private:
  friend class SessionLease;
  enum class State { kWorking, kBroken, kRecovering };

  SessionPool(std::unique_ptr<Token> token, const SessionPoolOptions& options);

  // Returns OK once the state is kWorking and `*free` holds too.
  absl::Status Await(absl::Time deadline, bool (SessionPool::*is_free)() const)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Recover() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasIdle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !idle_.empty(); }
  bool HeldIsFree() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_is_taken_; }
  void Return(std::optional<Session> own, bool broken);
  uint64_t returned_in_order() const;

  const SessionPoolOptions options_;

  mutable Mutex mutex_;
  State state_ ABSL_GUARDED_BY(mutex_) = State::kWorking;
  // Used without the lock in kRecovering, by the thread that recovers.
  std::unique_ptr<Token> token_;
  Recovery recovery_;
  std::vector<Session> idle_ ABSL_GUARDED_BY(mutex_);
  size_t size_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t leased_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t returned_in_order_ ABSL_GUARDED_BY(mutex_) = 0;
  bool held_is_taken_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t recoveries_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t failed_recoveries_ ABSL_GUARDED_BY(mutex_) = 0;
  ExpectedKeys keys_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const KeyHandles> handles_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_SESSION_POOL_H_
