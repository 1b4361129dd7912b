#include "signer/open_keystore.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "common/error.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "keystore/registry/sqlite_registry.h"
#include "signer/pin_source.h"

namespace keyward::signer {
namespace {

constexpr absl::Duration kStartDeadline = absl::Minutes(5);

}  // namespace

pkcs11::KeyRequirements RequirementsOf(const TokenConfig& config) {
  return {.allow_imported = config.allow_imported_keys};
}

absl::Duration CertificateValidity(const SignerConfig& config) {
  return absl::Hours(24) * config.certificate_validity_days;
}

absl::StatusOr<std::unique_ptr<pkcs11::SessionPool>> OpenToken(const TokenConfig& config) {
  absl::StatusOr<pkcs11::TokenUri> uri = pkcs11::TokenUri::Parse(config.uri);
  RETURN_IF_ERROR(Annotate(uri.status(), "token.uri"));
  absl::StatusOr<std::unique_ptr<pkcs11::Token>> token =
      pkcs11::Token::New({.module_path = config.module,
                          .uri = *std::move(uri),
                          .read_pin = [pin = config.pin] { return ReadPin(pin); },
                          .pin_source = config.pin.Describe()});
  RETURN_IF_ERROR(Annotate(token.status(), "token"));
  absl::StatusOr<std::unique_ptr<pkcs11::SessionPool>> sessions = pkcs11::SessionPool::New(
      *std::move(token),
      {.size = static_cast<size_t>(config.sessions), .key_requirements = RequirementsOf(config)});
  RETURN_IF_ERROR(Annotate(sessions.status(), "token"));
  return sessions;
}

absl::StatusOr<pkcs11::ExpectedKeys> ExpectedKeysOf(const registry::Contents& contents) {
  pkcs11::ExpectedKeys keys;
  for (const registry::KeyVersion& version : contents.key_versions) {
    const bool has_key = version.state != registry::VersionState::kDestroying &&
                         version.state != registry::VersionState::kDestroyed;
    if (!has_key) continue;
    ASSIGN_OR_RETURN(const EvpPkeyPtr key, PublicKeyOfCertificate(version.certificate_der));
    ASSIGN_OR_RETURN(keys[version.key_id], ModulusOf(*key));
  }
  return keys;
}

absl::StatusOr<std::unique_ptr<OpenKeystore>> OpenKeystore::New(const SignerConfig& config) {
  std::unique_ptr<OpenKeystore> keystore(new OpenKeystore());
  RETURN_IF_ERROR(keystore->Open(config));
  return keystore;
}

absl::Status OpenKeystore::Open(const SignerConfig& config) {
  absl::StatusOr<std::unique_ptr<registry::Registry>> registry =
      registry::OpenSqliteRegistry(config.registry_sqlite);
  RETURN_IF_ERROR(Annotate(registry.status(), "registry.sqlite"));
  registry_ = *std::move(registry);
  ASSIGN_OR_RETURN(sessions_, OpenToken(config.token));

  const absl::Time deadline = absl::Now() + kStartDeadline;
  ASSIGN_OR_RETURN(signing_, provider::SigningContext::New());
  keystore_.reset(new Keystore{*registry_, *sessions_, *signing_, turn_});
  lifecycle_ = std::make_unique<KeyLifecycle>(
      *keystore_, KeyLifecycleOptions{.certificate_validity = CertificateValidity(config)});
  // One key that can't be finished must not keep the others from signing; it is
  // tried again while the signer runs.
  ASSIGN_OR_RETURN(const std::vector<registry::KeyVersion> unfinished, registry_->ListUnfinished());
  const absl::Status finished = lifecycle_->FinishInterrupted(deadline);
  if (!unfinished.empty()) finished_at_start_ = finished;
  if (!finished.ok()) {
    spdlog::error("what was interrupted is not finished yet: {}", std::string(finished.message()));
  }
  ASSIGN_OR_RETURN(registry::Contents contents, registry_->Load());
  ASSIGN_OR_RETURN(pkcs11::ExpectedKeys keys, ExpectedKeysOf(contents));
  RETURN_IF_ERROR(sessions_->SetKeys(std::move(keys), deadline));
  ASSIGN_OR_RETURN(std::shared_ptr<const registry::Snapshot> snapshot,
                   registry::Snapshot::New(std::move(contents)));
  snapshots_ = std::make_unique<registry::SnapshotHolder>(std::move(snapshot));
  return absl::OkStatus();
}

absl::Status OpenKeystore::RefreshSnapshot() {
  const MutexLock lock(&refresh_mutex_);
  ASSIGN_OR_RETURN(registry::Contents contents, registry_->Load());
  ASSIGN_OR_RETURN(std::shared_ptr<const registry::Snapshot> snapshot,
                   registry::Snapshot::New(std::move(contents)));
  snapshots_->Set(std::move(snapshot));
  return absl::OkStatus();
}

absl::Status OpenKeystore::FinishInterrupted(absl::Time deadline) {
  RETURN_IF_ERROR(lifecycle_->FinishInterrupted(deadline));
  return RefreshSnapshot();
}

}  // namespace keyward::signer
