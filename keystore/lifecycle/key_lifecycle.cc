#include "keystore/lifecycle/key_lifecycle.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/rsa_public_key.h"
#include "common/status_macros.h"
#include "keystore/lifecycle/token_key.h"
#include "keystore/lifecycle/version_choice.h"
#include "keystore/pkcs11/certificate_objects.h"

namespace keyward {
namespace {

using registry::KeyVersion;
using registry::VersionState;

constexpr uint32_t kKeyBits = 2048;
constexpr char kAlgorithm[] = "RS256";

std::string LabelOf(const KeyVersion& version) {
  return absl::StrCat("keyward/", version.connection, "/", version.number);
}

}  // namespace

KeyLifecycle::KeyLifecycle(const Keystore& keystore, KeyLifecycleOptions options)
    : keystore_(keystore), options_(std::move(options)) {}

absl::StatusOr<registry::Connection> KeyLifecycle::CreateConnection(
    absl::string_view name, const registry::ConnectionSettings& settings, absl::Time deadline) {
  ASSIGN_OR_RETURN(const Turn::Held turn, keystore_.turn.Take(deadline));
  ASSIGN_OR_RETURN(const std::string key_id, pkcs11::NewKeyId());
  ASSIGN_OR_RETURN(const KeyVersion version, keystore_.registry.CreateConnection(
                                                 name, settings, key_id, kAlgorithm, kKeyBits));
  RETURN_IF_ERROR(GenerateOrUndo(version, deadline));
  return keystore_.registry.GetConnection(name);
}

absl::StatusOr<KeyVersion> KeyLifecycle::AddVersion(absl::string_view connection,
                                                    absl::Time deadline) {
  ASSIGN_OR_RETURN(const Turn::Held turn, keystore_.turn.Take(deadline));
  ASSIGN_OR_RETURN(const std::string key_id, pkcs11::NewKeyId());
  ASSIGN_OR_RETURN(const KeyVersion version,
                   keystore_.registry.AddKeyVersion(connection, key_id, kAlgorithm, kKeyBits));
  RETURN_IF_ERROR(GenerateOrUndo(version, deadline));
  return ChooseVersion(keystore_.registry, connection, version.number);
}

absl::Status KeyLifecycle::GenerateOrUndo(const KeyVersion& version, absl::Time deadline) {
  Step("row-inserted");
  absl::Status generated = Generate(version, deadline);
  if (!generated.ok()) {
    if (!Undo(version, deadline).ok()) has_unfinished_ = true;
    return generated;
  }
  Step("key-finished");
  return absl::OkStatus();
}

absl::Status KeyLifecycle::Generate(const KeyVersion& version, absl::Time deadline) {
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, keystore_.pool.TakeForAdministration(deadline));
  const absl::StatusOr<pkcs11::TokenKeyPair> pair = pkcs11::GenerateRsaKeyPair(
      lease.session(), LabelOf(version), version.key_id, version.key_bits);
  lease.Report(pair.status());
  RETURN_IF_ERROR(pair.status());
  Step("key-generated");
  return Issue(version, *pair, lease);
}

absl::Status KeyLifecycle::Issue(const KeyVersion& version, const pkcs11::TokenKeyPair& pair,
                                 pkcs11::SessionLease& lease) {
  ASSIGN_OR_RETURN(const EvpPkeyPtr public_key,
                   MakeRsaPublicKey(pair.modulus, pair.public_exponent));
  ASSIGN_OR_RETURN(const registry::IssuedKey issued,
                   IssueSelfSigned(keystore_.signing, lease, pair.private_key, *public_key,
                                   version.connection, options_.certificate_validity));
  Step("certificate-issued");
  RETURN_IF_ERROR(
      pkcs11::ReplaceCertificate(lease, LabelOf(version), version.key_id, issued.certificate_der));
  Step("certificate-stored");
  ASSIGN_OR_RETURN(const VersionState state, StateWhenFinished(version));
  RETURN_IF_ERROR(
      keystore_.registry.FinishGeneration(version.connection, version.number, state, issued));
  keystore_.pool.AddKey(lease, version.key_id, pair);
  return absl::OkStatus();
}

// A new connection has no older version that must go on signing. Its visible existence
// is what tells: the registry shows it from its first finished version on.
absl::StatusOr<VersionState> KeyLifecycle::StateWhenFinished(const KeyVersion& version) const {
  const absl::Status visible = keystore_.registry.GetConnection(version.connection).status();
  if (visible.ok()) return VersionState::kPending;
  if (absl::IsNotFound(visible)) return VersionState::kActive;
  return visible;
}

absl::StatusOr<uint32_t> KeyLifecycle::DeleteConnection(absl::string_view name,
                                                        absl::string_view etag,
                                                        absl::Time deadline) {
  ASSIGN_OR_RETURN(const Turn::Held turn, keystore_.turn.Take(deadline));
  RETURN_IF_ERROR(keystore_.registry.BeginRemoval(name, etag));
  Step("removal-begun");
  ASSIGN_OR_RETURN(const std::vector<KeyVersion> unfinished, keystore_.registry.ListUnfinished());
  uint32_t destroyed = 0;
  for (const KeyVersion& version : unfinished) {
    if (version.connection != name || version.state != VersionState::kDestroying) continue;
    const absl::Status status = Destroy(version, deadline);
    if (!status.ok()) {
      has_unfinished_ = true;
      return status;
    }
    ++destroyed;
  }
  return destroyed;
}

absl::Status KeyLifecycle::Destroy(const KeyVersion& version, absl::Time deadline) {
  RETURN_IF_ERROR(DestroyOnToken(version, deadline));
  Step("key-destroyed");
  RETURN_IF_ERROR(keystore_.registry.FinishDestruction(version.connection, version.number));
  Step("destruction-finished");
  return absl::OkStatus();
}

absl::Status KeyLifecycle::DestroyOnToken(const KeyVersion& version, absl::Time deadline) {
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, keystore_.pool.TakeForAdministration(deadline));
  keystore_.pool.RemoveKey(version.key_id);
  absl::Status destroyed = pkcs11::DestroyKeyPair(lease.session(), version.key_id);
  lease.Report(destroyed);
  return destroyed;
}

absl::Status KeyLifecycle::Undo(const KeyVersion& version, absl::Time deadline) {
  RETURN_IF_ERROR(DestroyOnToken(version, deadline));
  return keystore_.registry.UndoGeneration(version.connection, version.number);
}

absl::Status KeyLifecycle::FinishOrUndo(const KeyVersion& version, absl::Time deadline) {
  {
    ASSIGN_OR_RETURN(pkcs11::SessionLease lease, keystore_.pool.TakeForAdministration(deadline));
    const absl::StatusOr<pkcs11::TokenKeyPair> pair =
        pkcs11::FindRsaKeyPair(lease.session(), version.key_id);
    lease.Report(pair.status());
    if (pair.ok()) return Issue(version, *pair, lease);
    const bool incomplete =
        absl::IsNotFound(pair.status()) || absl::IsFailedPrecondition(pair.status());
    if (!incomplete) return pair.status();
  }
  return Undo(version, deadline);
}

absl::Status KeyLifecycle::FinishInterrupted(absl::Time deadline) {
  ASSIGN_OR_RETURN(const Turn::Held turn, keystore_.turn.Take(deadline));
  has_unfinished_ = true;
  ASSIGN_OR_RETURN(const std::vector<KeyVersion> unfinished, keystore_.registry.ListUnfinished());
  absl::Status first_error;
  for (const KeyVersion& version : unfinished) {
    const absl::Status status = version.state == VersionState::kGenerating
                                    ? FinishOrUndo(version, deadline)
                                    : Destroy(version, deadline);
    first_error.Update(Annotate(status, LabelOf(version)));
  }
  has_unfinished_ = !first_error.ok();
  return first_error;
}

bool KeyLifecycle::HasUnfinished() const { return has_unfinished_; }

void KeyLifecycle::Step(absl::string_view step) const {
  if (options_.on_step) options_.on_step(step);
}

}  // namespace keyward
