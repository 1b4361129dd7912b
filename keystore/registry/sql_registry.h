// The registry in a SQL database, whichever it is.
#ifndef KEYWARD_KEYSTORE_REGISTRY_SQL_REGISTRY_H_
#define KEYWARD_KEYSTORE_REGISTRY_SQL_REGISTRY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "keystore/registry/registry.h"
#include "keystore/registry/sql_approvals.h"
#include "keystore/registry/sql_backend.h"
#include "keystore/registry/sql_database.h"

namespace keyward::registry {

class SqlRegistry : public Registry {
 public:
  // Brings the schema up to date (errors: Migrate) and takes the backend over.
  static absl::StatusOr<std::unique_ptr<Registry>> New(std::unique_ptr<SqlBackend> backend);

  absl::StatusOr<KeyVersion> CreateConnection(absl::string_view name,
                                              const ConnectionSettings& settings,
                                              absl::string_view key_id, absl::string_view algorithm,
                                              uint32_t key_bits) override;
  absl::StatusOr<Connection> GetConnection(absl::string_view name) override;
  absl::StatusOr<std::vector<Connection>> ListConnections(absl::string_view after,
                                                          size_t limit) override;
  absl::StatusOr<Connection> UpdateConnection(absl::string_view name,
                                              const ConnectionSettings& settings,
                                              absl::string_view etag) override;
  absl::StatusOr<Connection> PreferAudience(absl::string_view name,
                                            absl::string_view audience) override;
  absl::StatusOr<Connection> SetFrozen(absl::string_view name, bool frozen) override;
  absl::Status SetEmergencyFreeze(bool frozen) override;
  absl::StatusOr<bool> GetEmergencyFreeze() override;
  absl::Status BeginRemoval(absl::string_view name, absl::string_view etag) override;
  absl::StatusOr<std::vector<KeyVersion>> ListKeyVersions(absl::string_view connection) override;
  absl::Status FinishGeneration(absl::string_view connection, uint32_t number, VersionState state,
                                const IssuedKey& issued) override;
  absl::StatusOr<KeyVersion> AddKeyVersion(absl::string_view connection, absl::string_view key_id,
                                           absl::string_view algorithm, uint32_t key_bits) override;
  absl::Status MakeActive(absl::string_view connection, uint32_t number,
                          VersionState former) override;
  absl::Status CheckKeyIdIsFree(absl::string_view key_id) override;
  absl::StatusOr<KeyVersion> AdoptKeyVersion(absl::string_view connection, absl::string_view key_id,
                                             absl::string_view algorithm, uint32_t key_bits,
                                             const IssuedKey& issued) override;
  absl::Status ReplaceCertificate(absl::string_view connection, uint32_t number,
                                  absl::string_view current_der, const IssuedKey& issued) override;
  absl::Status UndoGeneration(absl::string_view connection, uint32_t number) override;
  absl::Status FinishDestruction(absl::string_view connection, uint32_t number) override;
  absl::StatusOr<std::vector<KeyVersion>> ListUnfinished() override;
  absl::StatusOr<Contents> Load() override;
  absl::Status SetAuditAnchor(uint64_t sequence, absl::string_view sha256) override;
  absl::StatusOr<std::optional<AuditAnchor>> GetAuditAnchor() override;
  ApprovalStore& approvals() override { return approvals_; }
  absl::Status Ping() override;

 private:
  explicit SqlRegistry(std::unique_ptr<SqlBackend> backend) : database_(std::move(backend)) {}

  // Gives `version` the connection's next number.
  absl::StatusOr<KeyVersion> Insert(KeyVersion version);

  SqlDatabase database_;
  SqlApprovals approvals_{database_};
};

}  // namespace keyward::registry

#endif  // KEYWARD_KEYSTORE_REGISTRY_SQL_REGISTRY_H_
