// The ladder that brings a token back after a session-fatal error.
#ifndef KEYWARD_KEYSTORE_PKCS11_RECOVERY_H_
#define KEYWARD_KEYSTORE_PKCS11_RECOVERY_H_

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "keystore/pkcs11/key_handles.h"
#include "keystore/pkcs11/token.h"

namespace keyward::pkcs11 {

// Sessions that live and die together, and the handles that were found with them.
struct Generation {
  std::vector<Session> sessions;
  KeyHandles handles;
};

// Up to `size` sessions for signing: fewer where the token allows no more, an error
// where it gives none.
absl::StatusOr<std::vector<Session>> OpenSessions(const Token& token, size_t size);

// Reopen → log in again → look the handles up again, open the sessions for signing
// → unload and load the module.
// A rung is climbed only when the one below did not help; the last at most once
// in `reload_interval`; nothing at all after the token refused the PIN. Not
// thread-safe.
class Recovery {
 public:
  Recovery(absl::Duration reload_interval, absl::Duration retry_interval)
      : reload_interval_(reload_interval), retry_interval_(retry_interval) {}

  // When Run() may be called next: InfiniteFuture after a refused PIN.
  absl::Time next_attempt() const { return next_attempt_; }

  // Climbs. Every session but the token's own must have been closed. Returns as
  // many sessions as `size`, or as the token allows, and the handles of `keys`.
  // Logs what it does.
  absl::StatusOr<Generation> Run(Token& token, size_t size, const ExpectedKeys& keys,
                                 const KeyRequirements& requirements);

 private:
  absl::StatusOr<Generation> Climb(Token& token, size_t size, const ExpectedKeys& keys,
                                   const KeyRequirements& requirements);

  const absl::Duration reload_interval_;
  const absl::Duration retry_interval_;
  absl::Time next_attempt_ = absl::InfinitePast();
  absl::Time next_reload_ = absl::InfinitePast();
};

}  // namespace keyward::pkcs11

#endif  // KEYWARD_KEYSTORE_PKCS11_RECOVERY_H_
