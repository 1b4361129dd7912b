// Creates and destroys keys in the registry and on the token together, so that
// a crash between the two leaves something that can be finished or undone.
#ifndef KEYWARD_KEYSTORE_LIFECYCLE_KEY_LIFECYCLE_H_
#define KEYWARD_KEYSTORE_LIFECYCLE_KEY_LIFECYCLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "keystore/lifecycle/keystore.h"
#include "keystore/pkcs11/key_generator.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/registry/registry.h"

namespace keyward {

struct KeyLifecycleOptions {
  absl::Duration certificate_validity = absl::Hours(24 * 730);
  // Called after each step with its name, for tests that kill the process there.
  // Creation, of a further version too: row-inserted, key-generated, certificate-issued,
  // certificate-stored, key-finished.
  // Deletion: removal-begun, key-destroyed, destruction-finished.
  std::function<void(absl::string_view step)> on_step = nullptr;
};

// Thread-safe; operations wait for the keystore's turn until their deadline.
class KeyLifecycle {
 public:
  KeyLifecycle(const Keystore& keystore, KeyLifecycleOptions options);

  // Inserts the row of the connection and its key version, generates the RSA-2048
  // pair on the token, issues the self-signed certificate, puts it on the token
  // beside the key and makes the version ACTIVE: a new connection has no older version that must go
  // on signing. When a step fails what was done is undone. Errors: the registry's (ALREADY_EXISTS
  // …); UNAVAILABLE, TOKEN_UNAVAILABLE; DEADLINE_EXCEEDED where the token was not free before
  // `deadline`.
  absl::StatusOr<registry::Connection> CreateConnection(
      absl::string_view name, const registry::ConnectionSettings& settings, absl::Time deadline);

  // Gives the connection another key version, generated like the first one but PENDING:
  // it signs only where it is asked for by number, until it is made ACTIVE. Errors as
  // above, and NOT_FOUND CONNECTION_NOT_FOUND.
  absl::StatusOr<registry::KeyVersion> AddVersion(absl::string_view connection,
                                                  absl::Time deadline);

  // Destroys the connection's keys on the token and removes the connection.
  // Returns how many keys were destroyed. If the token fails half-way the
  // connection is gone all the same, and FinishInterrupted() destroys the rest.
  absl::StatusOr<uint32_t> DeleteConnection(absl::string_view name, absl::string_view etag,
                                            absl::Time deadline);

  // Finishes or undoes what a crash or a failure left: a key version whose key
  // pair is complete on the token gets its certificate, one whose pair is not is
  // undone, and what was to be destroyed is destroyed. For start-up, and again
  // later while HasUnfinished(). Goes on after one that fails, and returns the first
  // error.
  absl::Status FinishInterrupted(absl::Time deadline);

  bool HasUnfinished() const;

 private:
  absl::Status GenerateOrUndo(const registry::KeyVersion& version, absl::Time deadline);
  absl::Status Generate(const registry::KeyVersion& version, absl::Time deadline);
  absl::StatusOr<registry::VersionState> StateWhenFinished(
      const registry::KeyVersion& version) const;
  absl::Status Issue(const registry::KeyVersion& version, const pkcs11::TokenKeyPair& pair,
                     pkcs11::SessionLease& lease);
  absl::Status FinishOrUndo(const registry::KeyVersion& version, absl::Time deadline);
  absl::Status Undo(const registry::KeyVersion& version, absl::Time deadline);
  absl::Status DestroyOnToken(const registry::KeyVersion& version, absl::Time deadline);
  absl::Status Destroy(const registry::KeyVersion& version, absl::Time deadline);
  void Step(absl::string_view step) const;

  const Keystore keystore_;
  const KeyLifecycleOptions options_;
  // Asked by the readiness check, which must not wait for a key generation.
  std::atomic<bool> has_unfinished_ = false;
};

}  // namespace keyward

#endif  // KEYWARD_KEYSTORE_LIFECYCLE_KEY_LIFECYCLE_H_
