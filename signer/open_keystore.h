// Registry and token of signer.yaml, opened, with what works on both.
#ifndef KEYWARD_SIGNER_OPEN_KEYSTORE_H_
#define KEYWARD_SIGNER_OPEN_KEYSTORE_H_

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/lifecycle/keystore.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/registry/registry.h"
#include "keystore/registry/snapshot.h"
#include "signer/config.h"

namespace keyward::signer {

// Which keys of the token may be used, and how long their certificates last.
pkcs11::KeyRequirements RequirementsOf(const TokenConfig& config);
absl::Duration CertificateValidity(const SignerConfig& config);

// Logs in to the token and opens its sessions. Errors begin with the setting.
absl::StatusOr<std::unique_ptr<pkcs11::SessionPool>> OpenToken(const TokenConfig& config);

// The keys that should be on the token, each with its certificate's modulus.
absl::StatusOr<pkcs11::ExpectedKeys> ExpectedKeysOf(const registry::Contents& contents);

// Thread-safe once it is made.
class OpenKeystore {
 public:
  // Opens registry and token, finishes what a crash left, and looks the keys up. Errors
  // begin with the setting that they come from.
  static absl::StatusOr<std::unique_ptr<OpenKeystore>> New(const SignerConfig& config);
  OpenKeystore(const OpenKeystore&) = delete;
  OpenKeystore& operator=(const OpenKeystore&) = delete;

  registry::Registry& registry() { return *registry_; }
  pkcs11::SessionPool& sessions() { return *sessions_; }
  registry::SnapshotHolder& snapshots() { return *snapshots_; }
  const Keystore& keystore() const { return *keystore_; }
  KeyLifecycle& lifecycle() { return *lifecycle_; }

  // How finishing ended what New() found half done; nothing where it found nothing.
  const std::optional<absl::Status>& finished_at_start() const { return finished_at_start_; }

  // Gives the signing path a new picture of the registry, after a change. When it
  // returns OK no call decides by an older one any more.
  absl::Status RefreshSnapshot();

  // What a call or a crash left half done is finished, as soon as that works.
  absl::Status FinishInterrupted(absl::Time deadline);

 private:
  OpenKeystore() = default;

  absl::Status Open(const SignerConfig& config);

  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<pkcs11::SessionPool> sessions_;
  std::unique_ptr<registry::SnapshotHolder> snapshots_;
  std::unique_ptr<provider::SigningContext> signing_;
  Turn turn_;
  std::unique_ptr<const Keystore> keystore_;
  std::unique_ptr<KeyLifecycle> lifecycle_;
  std::optional<absl::Status> finished_at_start_;
  // Held from reading the registry to showing what was read, so that no older picture
  // replaces a newer one: a connection that is frozen stays so.
  Mutex refresh_mutex_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_OPEN_KEYSTORE_H_
