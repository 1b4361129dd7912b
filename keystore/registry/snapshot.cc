#include "keystore/registry/snapshot.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/registry_checks.h"

namespace keyward::registry {
namespace {

absl::Status Corrupt(const KeyVersion& version, absl::string_view what) {
  return Error(absl::StatusCode::kDataLoss, "REGISTRY_CORRUPT",
               absl::StrCat("the registry is damaged: ", NameOf(version), " ", what,
                            "; restore the newest backup"));
}

absl::StatusOr<EvpPkeyPtr> CertifiedRsaKey(const KeyVersion& version) {
  const absl::StatusOr<X509Ptr> certificate = ParseCertificate(version.certificate_der);
  if (!certificate.ok()) return Corrupt(version, "has a certificate that does not parse");
  EvpPkeyPtr key(X509_get_pubkey(certificate->get()));
  if (key == nullptr || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA ||
      EVP_PKEY_bits(key.get()) != static_cast<int>(version.key_bits)) {
    return Corrupt(version, "has a certificate of another kind of key");
  }
  return key;
}

bool IsBase64Url(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_';
  });
}

// Neither value needs escaping in JSON: both were checked.
std::string JoseHeader(const KeyVersion& version, bool include_kid) {
  const std::string kid = include_kid ? absl::StrCat(",\"kid\":\"", version.kid, "\"") : "";
  return absl::WebSafeBase64Escape(
      absl::StrCat("{\"alg\":\"", version.algorithm, "\",\"typ\":\"JWT\"", kid, "}"));
}

absl::StatusOr<SigningKey> MakeSigningKey(KeyVersion version, const ConnectionSettings& settings) {
  SigningKey key;
  if (MaySign(version.state)) {
    if (version.algorithm != "RS256") {
      return Error(absl::StatusCode::kUnimplemented, "ALGORITHM_UNSUPPORTED",
                   absl::StrCat(NameOf(version),
                                " signs with an algorithm that this version of "
                                "Keyward does not know; install the newer one"));
    }
    if (!IsBase64Url(version.kid)) return Corrupt(version, "has no proper kid");
    ASSIGN_OR_RETURN(key.public_key, CertifiedRsaKey(version));
    key.signature_bytes = static_cast<size_t>(EVP_PKEY_size(key.public_key.get()));
    key.jose_header_base64url = JoseHeader(version, settings.include_kid);
  }
  key.version = std::move(version);
  return key;
}

absl::Status NotFound(absl::string_view reason, absl::string_view message) {
  return Error(absl::StatusCode::kNotFound, reason, message);
}

absl::Status NotUsable(absl::string_view reason, absl::string_view message) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, message);
}

// Whether a caller who asks for this version by number gets it.
absl::Status CheckUsable(const KeyVersion& version) {
  switch (version.state) {
    case VersionState::kPending:
    case VersionState::kActive:
    case VersionState::kRetiring:
      return absl::OkStatus();
    case VersionState::kDisabled:
      return NotUsable("KEY_VERSION_DISABLED",
                       absl::StrCat(NameOf(version),
                                    " is disabled; enable it, or ask for another "
                                    "or for none"));
    case VersionState::kDestroying:
    case VersionState::kDestroyed:
      return NotUsable(
          "KEY_VERSION_DESTROYED",
          absl::StrCat(NameOf(version), " is destroyed; ask for another version or for none"));
    case VersionState::kGenerating:
      break;
  }
  return NotFound("KEY_VERSION_NOT_FOUND", absl::StrCat("there is no ", NameOf(version)));
}

}  // namespace

bool MaySign(VersionState state) {
  return state == VersionState::kPending || state == VersionState::kActive ||
         state == VersionState::kRetiring;
}

absl::StatusOr<std::shared_ptr<const Snapshot>> Snapshot::New(Contents contents) {
  std::shared_ptr<Snapshot> snapshot(new Snapshot);
  snapshot->emergency_freeze_ = contents.emergency_freeze;
  for (Connection& connection : contents.connections) {
    std::string name = connection.name;
    snapshot->entries_[std::move(name)].connection = std::move(connection);
  }
  for (KeyVersion& version : contents.key_versions) {
    RETURN_IF_ERROR(snapshot->Add(std::move(version)));
  }
  for (auto& [name, entry] : snapshot->entries_) {
    RETURN_IF_ERROR(snapshot->IndexKeys(entry));
  }
  return snapshot;
}

absl::Status Snapshot::Add(KeyVersion version) {
  const auto found = entries_.find(version.connection);
  if (found == entries_.end()) return Corrupt(version, "belongs to no connection");
  Entry& entry = found->second;
  ASSIGN_OR_RETURN(SigningKey key, MakeSigningKey(std::move(version), entry.connection.settings));
  entry.keys.push_back(std::move(key));
  return absl::OkStatus();
}

absl::Status Snapshot::IndexKeys(Entry& entry) {
  std::sort(entry.keys.begin(), entry.keys.end(), [](const SigningKey& a, const SigningKey& b) {
    return a.version.number < b.version.number;
  });
  for (size_t i = 0; i < entry.keys.size(); ++i) {
    const KeyVersion& version = entry.keys[i].version;
    if (i > 0 && entry.keys[i - 1].version.number == version.number) {
      return Corrupt(version, "is there twice");
    }
    if (version.state != VersionState::kActive) continue;
    if (entry.active) return Corrupt(version, "is ACTIVE beside another one");
    entry.active = i;
  }
  return absl::OkStatus();
}

const Connection* Snapshot::FindConnection(absl::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second.connection;
}

absl::StatusOr<const SigningKey*> Snapshot::Select(absl::string_view connection,
                                                   std::optional<uint32_t> number) const {
  const auto found = entries_.find(connection);
  if (found == entries_.end()) {
    return NotFound(
        "CONNECTION_NOT_FOUND",
        absl::StrCat("there is no connection \"", absl::Utf8SafeCHexEscape(connection), "\""));
  }
  const Entry& entry = found->second;
  if (!number) {
    if (entry.active) return &entry.keys[*entry.active];
    return NotUsable(
        "NO_ACTIVE_KEY_VERSION",
        absl::StrCat("no key version of connection \"", absl::Utf8SafeCHexEscape(connection),
                     "\" is active; activate one, or ask for one by number"));
  }
  for (const SigningKey& key : entry.keys) {
    if (key.version.number != *number) continue;
    RETURN_IF_ERROR(CheckUsable(key.version));
    return &key;
  }
  return NotFound("KEY_VERSION_NOT_FOUND",
                  absl::StrCat("connection \"", absl::Utf8SafeCHexEscape(connection),
                               "\" has no key version ", *number));
}

std::vector<const KeyVersion*> Snapshot::VersionsThatMaySign() const {
  std::vector<const KeyVersion*> versions;
  for (const auto& [name, entry] : entries_) {
    for (const SigningKey& key : entry.keys) {
      if (MaySign(key.version.state)) versions.push_back(&key.version);
    }
  }
  return versions;
}

SnapshotHolder::SnapshotHolder(std::shared_ptr<const Snapshot> snapshot)
    : snapshot_(std::move(snapshot)) {}

std::shared_ptr<const Snapshot> SnapshotHolder::Get() const {
  MutexLock lock(&mutex_);
  return snapshot_;
}

void SnapshotHolder::Set(std::shared_ptr<const Snapshot> snapshot) {
  // The old one, perhaps the last reference to it, dies after the lock is gone.
  MutexLock lock(&mutex_);
  snapshot_.swap(snapshot);
}

}  // namespace keyward::registry
