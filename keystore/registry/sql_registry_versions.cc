// SqlRegistry's calls on key versions.
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/registry_checks.h"
#include "keystore/registry/sql_connections.h"
#include "keystore/registry/sql_key_versions.h"
#include "keystore/registry/sql_registry.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

KeyVersion NewVersion(absl::string_view connection, absl::string_view key_id,
                      absl::string_view algorithm, uint32_t key_bits) {
  KeyVersion version;
  version.connection = Searched(connection);
  version.key_id = std::string(key_id);
  version.algorithm = std::string(algorithm);
  version.key_bits = key_bits;
  version.create_time = NowAsStored();
  return version;
}

}  // namespace

absl::StatusOr<std::vector<KeyVersion>> SqlRegistry::ListKeyVersions(absl::string_view connection) {
  std::vector<KeyVersion> versions;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredConnection stored, FindConnection(session, Searched(connection)));
    ASSIGN_OR_RETURN(versions,
                     SelectKeyVersions(session, stored.connection.name, stored.incarnation));
    return absl::OkStatus();
  }));
  return versions;
}

absl::Status SqlRegistry::FinishGeneration(absl::string_view connection, uint32_t number,
                                           VersionState state, const IssuedKey& issued) {
  RETURN_IF_ERROR(CheckIssued(state, issued));
  const std::string name = Searched(connection);
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredKeyVersion stored, FindKeyVersion(session, name, number));
    RETURN_IF_ERROR(CheckState(stored.version, VersionState::kGenerating));
    if (state == VersionState::kActive && HasActiveKeyVersion(session, name)) {
      return Error(absl::StatusCode::kFailedPrecondition, "ACTIVE_KEY_VERSION_EXISTS",
                   absl::StrCat("connection \"", absl::Utf8SafeCHexEscape(name),
                                "\" has an ACTIVE key version already"));
    }
    StoreIssuedKey(session, name, number, state, issued);
    return absl::OkStatus();
  });
}

absl::StatusOr<KeyVersion> SqlRegistry::AddKeyVersion(absl::string_view connection,
                                                      absl::string_view key_id,
                                                      absl::string_view algorithm,
                                                      uint32_t key_bits) {
  return Insert(NewVersion(connection, key_id, algorithm, key_bits));
}

absl::StatusOr<KeyVersion> SqlRegistry::AdoptKeyVersion(absl::string_view connection,
                                                        absl::string_view key_id,
                                                        absl::string_view algorithm,
                                                        uint32_t key_bits,
                                                        const IssuedKey& issued) {
  KeyVersion version = NewVersion(connection, key_id, algorithm, key_bits);
  version.state = VersionState::kPending;
  version.certificate_der = issued.certificate_der;
  version.certificate_chain = issued.certificate_chain;
  version.kid = issued.kid;
  version.certificate_not_after = issued.certificate_not_after;
  RETURN_IF_ERROR(CheckIssued(version.state, issued));
  return Insert(std::move(version));
}

absl::StatusOr<KeyVersion> SqlRegistry::Insert(KeyVersion version) {
  RETURN_IF_ERROR(CheckText(version.algorithm, "algorithm"));
  if (version.key_id.empty()) return absl::InvalidArgumentError("a key needs an identifier");
  StoredKeyVersion inserted{std::move(version)};
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    const std::string& name = inserted.version.connection;
    ASSIGN_OR_RETURN(const StoredConnection stored, FindConnection(session, name));
    RETURN_IF_ERROR(registry::CheckKeyIdIsFree(session, inserted.version.key_id));
    inserted.incarnation = stored.incarnation;
    inserted.version.number = static_cast<uint32_t>(CountNewKeyVersion(session, name));
    InsertKeyVersion(session, inserted);
    return absl::OkStatus();
  }));
  return std::move(inserted.version);
}

absl::Status SqlRegistry::MakeActive(absl::string_view connection, uint32_t number,
                                     VersionState former) {
  if (former != VersionState::kRetiring && former != VersionState::kDisabled) {
    return absl::InvalidArgumentError("what was ACTIVE becomes RETIRING or DISABLED");
  }
  const std::string name = Searched(connection);
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredKeyVersion stored, FindKeyVersion(session, name, number));
    RETURN_IF_ERROR(CheckState(stored.version, VersionState::kPending));
    // First, as one at most may be ACTIVE at any time.
    ReplaceActiveState(session, name, former);
    SetState(session, name, number, VersionState::kActive);
    return absl::OkStatus();
  });
}

absl::Status SqlRegistry::CheckKeyIdIsFree(absl::string_view key_id) {
  return database_.Read(
      [&](soci::session& session) { return registry::CheckKeyIdIsFree(session, key_id); });
}

absl::Status SqlRegistry::ReplaceCertificate(absl::string_view connection, uint32_t number,
                                             absl::string_view current_der,
                                             const IssuedKey& issued) {
  RETURN_IF_ERROR(CheckIssued(VersionState::kPending, issued));
  const std::string name = Searched(connection);
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredKeyVersion stored, FindKeyVersion(session, name, number));
    RETURN_IF_ERROR(CheckCertificateReplaceable(stored.version, current_der, issued));
    StoreIssuedKey(session, name, number, stored.version.state, issued);
    return absl::OkStatus();
  });
}

absl::Status SqlRegistry::UndoGeneration(absl::string_view connection, uint32_t number) {
  const std::string name = Searched(connection);
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredKeyVersion stored, FindKeyVersion(session, name, number));
    RETURN_IF_ERROR(CheckState(stored.version, VersionState::kGenerating));
    DeleteKeyVersion(session, name, number);
    if (CountKeyVersions(session, name, stored.incarnation) == 0) {
      DeleteConnection(session, name, stored.incarnation);
    }
    return absl::OkStatus();
  });
}

absl::Status SqlRegistry::FinishDestruction(absl::string_view connection, uint32_t number) {
  const std::string name = Searched(connection);
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredKeyVersion stored, FindKeyVersion(session, name, number));
    RETURN_IF_ERROR(CheckState(stored.version, VersionState::kDestroying));
    SetState(session, name, number, VersionState::kDestroyed);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<KeyVersion>> SqlRegistry::ListUnfinished() {
  std::vector<KeyVersion> versions;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(versions, SelectUnfinishedKeyVersions(session));
    return absl::OkStatus();
  }));
  return versions;
}

}  // namespace keyward::registry
