#include "keystore/lifecycle/key_lifecycle.h"

#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/certificate/rsa_public_key.h"
#include "keystore/certificate/self_signed_certificate.h"
#include "keystore/pkcs11/token_signer.h"

namespace keyward {
namespace {

using registry::KeyVersion;
using registry::VersionState;

constexpr uint32_t kKeyBits = 2048;
constexpr char kAlgorithm[] = "RS256";

// A verifier whose clock is a little behind must not find the certificate not
// yet valid.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

std::string LabelOf(const KeyVersion& version) {
  return absl::StrCat("keyward/", version.connection, "/", version.number);
}

}  // namespace

KeyLifecycle::KeyLifecycle(registry::Registry& registry, pkcs11::SessionPool& pool,
                           KeyLifecycleOptions options)
    : registry_(registry), pool_(pool), options_(std::move(options)) {}

absl::Status KeyLifecycle::TakeTurn(absl::Time deadline) {
  MutexLock lock(&mutex_);
  const auto is_free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !busy_; };
  if (!mutex_.AwaitWithDeadline(is_free, deadline)) {
    return Error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_PASSED",
                 "another key was being made or destroyed until the call's deadline; try again");
  }
  busy_ = true;
  return absl::OkStatus();
}

void KeyLifecycle::EndTurn() {
  MutexLock lock(&mutex_);
  busy_ = false;
}

absl::StatusOr<registry::Connection> KeyLifecycle::CreateConnection(
    absl::string_view name, const registry::ConnectionSettings& settings, absl::Time deadline) {
  RETURN_IF_ERROR(TakeTurn(deadline));
  const absl::Cleanup end_turn = [this] { EndTurn(); };
  ASSIGN_OR_RETURN(const std::string key_id, pkcs11::NewKeyId());
  ASSIGN_OR_RETURN(const KeyVersion version,
                   registry_.CreateConnection(name, settings, key_id, kAlgorithm, kKeyBits));
  Step("row-inserted");
  const absl::Status generated = Generate(version, deadline);
  if (!generated.ok()) {
    if (!Undo(version, deadline).ok()) has_unfinished_ = true;
    return generated;
  }
  Step("key-finished");
  return registry_.GetConnection(name);
}

absl::Status KeyLifecycle::Generate(const KeyVersion& version, absl::Time deadline) {
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, pool_.TakeForAdministration(deadline));
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
  ASSIGN_OR_RETURN(std::string kid, JwkThumbprint(*public_key));
  const auto sign = [&](absl::string_view message) {
    absl::StatusOr<std::string> signature =
        pkcs11::SignRs256(lease.session(), lease.rs256(), pair.private_key, message,
                          static_cast<size_t>(EVP_PKEY_get_size(public_key.get())));
    lease.Report(signature.status());
    return signature;
  };
  ASSIGN_OR_RETURN(IssuedCertificate certificate,
                   IssueSelfSignedCertificate({.common_name = version.connection,
                                               .not_before = absl::Now() - kClockSkew,
                                               .validity = options_.certificate_validity},
                                              *public_key, sign));
  Step("certificate-issued");
  RETURN_IF_ERROR(registry_.FinishGeneration(version.connection, version.number,
                                             VersionState::kActive,
                                             {.certificate_der = std::move(certificate.der),
                                              .kid = std::move(kid),
                                              .certificate_not_after = certificate.not_after}));
  pool_.AddKey(lease, version.key_id, pair);
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> KeyLifecycle::DeleteConnection(absl::string_view name,
                                                        absl::string_view etag,
                                                        absl::Time deadline) {
  RETURN_IF_ERROR(TakeTurn(deadline));
  const absl::Cleanup end_turn = [this] { EndTurn(); };
  RETURN_IF_ERROR(registry_.BeginRemoval(name, etag));
  Step("removal-begun");
  ASSIGN_OR_RETURN(const std::vector<KeyVersion> unfinished, registry_.ListUnfinished());
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
  RETURN_IF_ERROR(registry_.FinishDestruction(version.connection, version.number));
  Step("destruction-finished");
  return absl::OkStatus();
}

absl::Status KeyLifecycle::DestroyOnToken(const KeyVersion& version, absl::Time deadline) {
  ASSIGN_OR_RETURN(pkcs11::SessionLease lease, pool_.TakeForAdministration(deadline));
  pool_.RemoveKey(version.key_id);
  absl::Status destroyed = pkcs11::DestroyKeyPair(lease.session(), version.key_id);
  lease.Report(destroyed);
  return destroyed;
}

absl::Status KeyLifecycle::Undo(const KeyVersion& version, absl::Time deadline) {
  RETURN_IF_ERROR(DestroyOnToken(version, deadline));
  return registry_.UndoGeneration(version.connection, version.number);
}

absl::Status KeyLifecycle::FinishOrUndo(const KeyVersion& version, absl::Time deadline) {
  {
    ASSIGN_OR_RETURN(pkcs11::SessionLease lease, pool_.TakeForAdministration(deadline));
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
  RETURN_IF_ERROR(TakeTurn(deadline));
  const absl::Cleanup end_turn = [this] { EndTurn(); };
  has_unfinished_ = true;
  ASSIGN_OR_RETURN(const std::vector<KeyVersion> unfinished, registry_.ListUnfinished());
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
