// The statements on key versions. Each runs within a transaction of the
// caller's and may throw soci::soci_error.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_KEY_VERSIONS_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_KEY_VERSIONS_H_

#include <soci/soci.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "keystore/registry/registry.h"

namespace keyward::registry {

// A key version and which of the connections of that name it belongs to.
struct StoredKeyVersion {
  KeyVersion version;
  int64_t incarnation = 0;
};

// NOT_FOUND KEY_VERSION_NOT_FOUND where there is none, of removed connections
// neither.
absl::StatusOr<StoredKeyVersion> FindKeyVersion(soci::session& session,
                                                const std::string& connection, uint32_t number);

// All of one connection but the kGenerating ones, in order of number.
absl::StatusOr<std::vector<KeyVersion>> SelectKeyVersions(soci::session& session,
                                                          const std::string& connection,
                                                          int64_t incarnation);

// All of the connections that are not removed, but the kGenerating ones.
absl::StatusOr<std::vector<KeyVersion>> SelectLiveKeyVersions(soci::session& session);

// All in kGenerating or kDestroying.
absl::StatusOr<std::vector<KeyVersion>> SelectUnfinishedKeyVersions(soci::session& session);

// ALREADY_EXISTS KEY_ID_EXISTS.
absl::Status CheckKeyIdIsFree(soci::session& session, absl::string_view key_id);

bool HasActiveKeyVersion(soci::session& session, const std::string& connection);

// How many key versions of any state the connection has.
int64_t CountKeyVersions(soci::session& session, const std::string& connection,
                         int64_t incarnation);

void InsertKeyVersion(soci::session& session, const StoredKeyVersion& stored);

void StoreIssuedKey(soci::session& session, const std::string& connection, uint32_t number,
                    VersionState state, const IssuedKey& issued);

void SetState(soci::session& session, const std::string& connection, uint32_t number,
              VersionState state);

// The version of the connection that is kActive, if one is, gets that state.
void ReplaceActiveState(soci::session& session, const std::string& connection, VersionState state);

// Every version that is not kDestroyed becomes kDestroying.
void MarkDestroying(soci::session& session, const std::string& connection, int64_t incarnation);

void DeleteKeyVersion(soci::session& session, const std::string& connection, uint32_t number);

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_KEY_VERSIONS_H_
