// The statements on connections and on the counters of their names.
// Each runs within a transaction of the caller's and may throw
// soci::soci_error.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_CONNECTIONS_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_CONNECTIONS_H_

#include <soci/soci.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "keystore/registry/registry.h"

namespace keyward::registry {

// A connection and which of those that had its name it is.
struct StoredConnection {
  Connection connection;
  int64_t incarnation = 0;
};

// The counters of a name, which never go back.
struct NameCounters {
  int64_t incarnation = 0;
  int64_t number = 0;
  int64_t revision = 0;
};

// NOT_FOUND CONNECTION_NOT_FOUND where there is none that callers may see: it
// is not removed, and one of its key versions is no longer kGenerating.
absl::StatusOr<StoredConnection> FindConnection(soci::session& session, const std::string& name);

// Those that callers may see, in order of name.
absl::StatusOr<std::vector<Connection>> SelectAllConnections(soci::session& session);

// Of those the first `limit` with names after `after` that do not begin with a dot.
absl::StatusOr<std::vector<Connection>> SelectConnections(soci::session& session,
                                                          const std::string& after, size_t limit);

// Whether a connection of that name is there or is being created.
bool IsNameTaken(soci::session& session, const std::string& name);

// Counts a new connection with its first key version.
NameCounters CountNewConnection(soci::session& session, const std::string& name);

// Counts one more key version of a connection that is there; returns its number.
int64_t CountNewKeyVersion(soci::session& session, const std::string& name);

void InsertConnection(soci::session& session, const std::string& name, const NameCounters& counters,
                      const ConnectionSettings& settings, absl::Time now);

// Replaces settings, etag and update time.
void UpdateConnectionRow(soci::session& session, const StoredConnection& stored,
                         const ConnectionSettings& settings, absl::Time now);

// Replaces `frozen`, its time, etag and update time.
void SetFrozenColumns(soci::session& session, const StoredConnection& stored, bool frozen,
                      absl::Time now);

// DATA_LOSS where its one row is not there.
absl::StatusOr<bool> SelectEmergencyFreeze(soci::session& session);
absl::Status UpdateEmergencyFreeze(soci::session& session, bool frozen);

// Takes the connection out of every caller's sight.
void MarkRemoved(soci::session& session, const StoredConnection& stored, absl::Time now);

// Deletes the row, which must have no key version. The counters stay.
void DeleteConnection(soci::session& session, const std::string& name, int64_t incarnation);

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_CONNECTIONS_H_
