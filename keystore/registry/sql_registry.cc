#include "keystore/registry/sql_registry.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "keystore/registry/migrations.h"
#include "keystore/registry/registry_checks.h"
#include "keystore/registry/sql_connections.h"
#include "keystore/registry/sql_key_versions.h"
#include "keystore/registry/sql_select.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

// The time that the row will say, which has microseconds.
absl::Time Now() { return absl::FromUnixMicros(absl::ToUnixMicros(absl::Now())); }

absl::StatusOr<StoredConnection> Find(soci::session& session, absl::string_view name) {
  return FindConnection(session, Searched(name));
}

absl::Status CheckFree(soci::session& session, absl::string_view key_id) {
  if (!IsKeyIdTaken(session, key_id)) return absl::OkStatus();
  return Error(absl::StatusCode::kAlreadyExists, "KEY_ID_EXISTS",
               "a key version has or had this key identifier (CKA_ID); use another one");
}

// Without the audience, which is whatever a caller wrote.
absl::Status AudienceUnknown(const Connection& connection) {
  return Error(absl::StatusCode::kInvalidArgument, "AUDIENCE_UNKNOWN",
               absl::StrCat("that is not an audience of connection \"",
                            absl::Utf8SafeCHexEscape(connection.name),
                            "\"; send one of its audiences exactly as it stands there"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Registry>> SqlRegistry::New(std::unique_ptr<SqlBackend> backend) {
  RETURN_IF_ERROR(Migrate(*backend));
  return std::unique_ptr<Registry>(new SqlRegistry(std::move(backend)));
}

absl::StatusOr<KeyVersion> SqlRegistry::CreateConnection(absl::string_view name,
                                                         const ConnectionSettings& settings,
                                                         absl::string_view key_id,
                                                         absl::string_view algorithm,
                                                         uint32_t key_bits) {
  StoredKeyVersion first;
  KeyVersion& version = first.version;
  version.connection = std::string(name);
  version.key_id = std::string(key_id);
  version.algorithm = std::string(algorithm);
  version.key_bits = key_bits;
  version.create_time = Now();
  RETURN_IF_ERROR(CheckText(version.connection, "connection's name"));
  RETURN_IF_ERROR(CheckText(version.algorithm, "algorithm"));
  RETURN_IF_ERROR(CheckSettings(settings));
  if (name.empty() || key_id.empty()) {
    return absl::InvalidArgumentError("a connection needs a name, its key an identifier");
  }
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) {
    if (IsNameTaken(session, version.connection)) {
      return Error(absl::StatusCode::kAlreadyExists, "CONNECTION_EXISTS",
                   absl::StrCat("a connection \"", absl::Utf8SafeCHexEscape(name),
                                "\" exists or is being created; choose another name"));
    }
    RETURN_IF_ERROR(CheckFree(session, key_id));
    const NameCounters counters = CountNewConnection(session, version.connection);
    version.number = static_cast<uint32_t>(counters.number);
    first.incarnation = counters.incarnation;
    InsertConnection(session, version.connection, counters, settings, version.create_time);
    InsertKeyVersion(session, first);
    return absl::OkStatus();
  }));
  return version;
}

absl::StatusOr<Connection> SqlRegistry::GetConnection(absl::string_view name) {
  StoredConnection stored;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(stored, Find(session, name));
    return absl::OkStatus();
  }));
  return std::move(stored.connection);
}

absl::StatusOr<std::vector<Connection>> SqlRegistry::ListConnections(absl::string_view after,
                                                                     size_t limit) {
  const std::string start(after);
  RETURN_IF_ERROR(CheckText(start, "name to start after"));
  std::vector<Connection> connections;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(connections, SelectConnections(session, start, limit));
    return absl::OkStatus();
  }));
  return connections;
}

absl::StatusOr<Connection> SqlRegistry::UpdateConnection(absl::string_view name,
                                                         const ConnectionSettings& settings,
                                                         absl::string_view etag) {
  RETURN_IF_ERROR(CheckSettings(settings));
  StoredConnection stored;
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(stored, Find(session, name));
    RETURN_IF_ERROR(CheckEtag(stored.connection, etag));
    UpdateConnectionRow(session, stored, settings, Now());
    ASSIGN_OR_RETURN(stored, Find(session, name));
    return absl::OkStatus();
  }));
  return std::move(stored.connection);
}

absl::StatusOr<Connection> SqlRegistry::PreferAudience(absl::string_view name,
                                                       absl::string_view audience) {
  StoredConnection stored;
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(stored, Find(session, name));
    ConnectionSettings settings = stored.connection.settings;
    std::vector<std::string>& audiences = settings.audiences;
    const auto preferred = std::find(audiences.begin(), audiences.end(), audience);
    if (preferred == audiences.end()) return AudienceUnknown(stored.connection);
    if (preferred == audiences.begin()) return absl::OkStatus();
    std::rotate(audiences.begin(), preferred, preferred + 1);
    UpdateConnectionRow(session, stored, settings, Now());
    ASSIGN_OR_RETURN(stored, Find(session, name));
    return absl::OkStatus();
  }));
  return std::move(stored.connection);
}

absl::Status SqlRegistry::BeginRemoval(absl::string_view name, absl::string_view etag) {
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredConnection stored, Find(session, name));
    RETURN_IF_ERROR(CheckEtag(stored.connection, etag));
    MarkRemoved(session, stored, Now());
    MarkDestroying(session, stored.connection.name, stored.incarnation);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::vector<KeyVersion>> SqlRegistry::ListKeyVersions(absl::string_view connection) {
  std::vector<KeyVersion> versions;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredConnection stored, Find(session, connection));
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

absl::StatusOr<KeyVersion> SqlRegistry::AdoptKeyVersion(absl::string_view connection,
                                                        absl::string_view key_id,
                                                        absl::string_view algorithm,
                                                        uint32_t key_bits,
                                                        const IssuedKey& issued) {
  StoredKeyVersion adopted;
  KeyVersion& version = adopted.version;
  version.connection = Searched(connection);
  version.state = VersionState::kPending;
  version.key_id = std::string(key_id);
  version.algorithm = std::string(algorithm);
  version.key_bits = key_bits;
  version.create_time = Now();
  version.certificate_der = issued.certificate_der;
  version.certificate_chain = issued.certificate_chain;
  version.kid = issued.kid;
  version.certificate_not_after = issued.certificate_not_after;
  RETURN_IF_ERROR(CheckText(version.algorithm, "algorithm"));
  RETURN_IF_ERROR(CheckIssued(version.state, issued));
  if (key_id.empty()) return absl::InvalidArgumentError("a key needs an identifier");
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredConnection stored, Find(session, version.connection));
    RETURN_IF_ERROR(CheckFree(session, key_id));
    adopted.incarnation = stored.incarnation;
    version.number = static_cast<uint32_t>(CountNewKeyVersion(session, version.connection));
    InsertKeyVersion(session, adopted);
    return absl::OkStatus();
  }));
  return version;
}

absl::Status SqlRegistry::CheckKeyIdIsFree(absl::string_view key_id) {
  return database_.Read([&](soci::session& session) { return CheckFree(session, key_id); });
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

absl::StatusOr<Contents> SqlRegistry::Load() {
  Contents contents;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    constexpr size_t kAll = std::numeric_limits<size_t>::max();
    ASSIGN_OR_RETURN(contents.connections, SelectConnections(session, "", kAll));
    ASSIGN_OR_RETURN(contents.key_versions, SelectLiveKeyVersions(session));
    return absl::OkStatus();
  }));
  return contents;
}

absl::Status SqlRegistry::Ping() {
  return database_.Read([](soci::session& session) {
    static_cast<void>(SelectInteger(session, "SELECT COUNT(*) FROM schema_migrations"));
    return absl::OkStatus();
  });
}

}  // namespace keyward::registry
