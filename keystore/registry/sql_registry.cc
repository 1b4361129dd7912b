#include "keystore/registry/sql_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
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
  version.create_time = NowAsStored();
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
    RETURN_IF_ERROR(registry::CheckKeyIdIsFree(session, key_id));
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
    ASSIGN_OR_RETURN(stored, FindConnection(session, Searched(name)));
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
    ASSIGN_OR_RETURN(stored, FindConnection(session, Searched(name)));
    RETURN_IF_ERROR(CheckEtag(stored.connection, etag));
    UpdateConnectionRow(session, stored, settings, NowAsStored());
    ASSIGN_OR_RETURN(stored, FindConnection(session, Searched(name)));
    return absl::OkStatus();
  }));
  return std::move(stored.connection);
}

absl::StatusOr<Connection> SqlRegistry::PreferAudience(absl::string_view name,
                                                       absl::string_view audience) {
  StoredConnection stored;
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(stored, FindConnection(session, Searched(name)));
    ConnectionSettings settings = stored.connection.settings;
    std::vector<std::string>& audiences = settings.audiences;
    const auto preferred = std::find(audiences.begin(), audiences.end(), audience);
    if (preferred == audiences.end()) return AudienceUnknown(stored.connection);
    if (preferred == audiences.begin()) return absl::OkStatus();
    std::rotate(audiences.begin(), preferred, preferred + 1);
    UpdateConnectionRow(session, stored, settings, NowAsStored());
    ASSIGN_OR_RETURN(stored, FindConnection(session, Searched(name)));
    return absl::OkStatus();
  }));
  return std::move(stored.connection);
}

absl::StatusOr<Connection> SqlRegistry::SetFrozen(absl::string_view name, bool frozen) {
  StoredConnection stored;
  RETURN_IF_ERROR(database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(stored, FindConnection(session, Searched(name)));
    if (stored.connection.frozen == frozen) return absl::OkStatus();
    SetFrozenColumns(session, stored, frozen, NowAsStored());
    ASSIGN_OR_RETURN(stored, FindConnection(session, Searched(name)));
    return absl::OkStatus();
  }));
  return std::move(stored.connection);
}

absl::Status SqlRegistry::SetEmergencyFreeze(bool frozen) {
  return database_.Write(
      [&](soci::session& session) { return UpdateEmergencyFreeze(session, frozen); });
}

absl::StatusOr<bool> SqlRegistry::GetEmergencyFreeze() {
  bool frozen = false;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(frozen, SelectEmergencyFreeze(session));
    return absl::OkStatus();
  }));
  return frozen;
}

absl::Status SqlRegistry::BeginRemoval(absl::string_view name, absl::string_view etag) {
  return database_.Write([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(const StoredConnection stored, FindConnection(session, Searched(name)));
    RETURN_IF_ERROR(CheckEtag(stored.connection, etag));
    MarkRemoved(session, stored, NowAsStored());
    MarkDestroying(session, stored.connection.name, stored.incarnation);
    return absl::OkStatus();
  });
}

absl::StatusOr<Contents> SqlRegistry::Load() {
  Contents contents;
  RETURN_IF_ERROR(database_.Read([&](soci::session& session) -> absl::Status {
    ASSIGN_OR_RETURN(contents.connections, SelectAllConnections(session));
    ASSIGN_OR_RETURN(contents.key_versions, SelectLiveKeyVersions(session));
    ASSIGN_OR_RETURN(contents.emergency_freeze, SelectEmergencyFreeze(session));
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
