// The audit log's anchor of SqlRegistry.
#include <algorithm>
#include <limits>
#include <string>

#include "keystore/registry/sql_registry.h"
#include "keystore/registry/sql_select.h"
#include "keystore/registry/sql_values.h"

namespace keyward::registry {
namespace {

constexpr size_t kSha256Digits = 64;

bool IsHexSha256(absl::string_view text) {
  return text.size() == kSha256Digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

struct AnchorRow {
  SqlInteger sequence = 0;
  std::string sha256;

  void Define(soci::statement& statement) {
    statement.exchange(soci::into(sequence));
    statement.exchange(soci::into(sha256));
  }
};

// The row's absence is damage, not a log without an anchor.
absl::StatusOr<std::optional<AuditAnchor>> SelectAuditAnchor(soci::session& session) {
  const auto rows = Select<AnchorRow>(session, "SELECT sequence, sha256 FROM audit_anchor");
  if (rows.size() != 1) return RegistryCorrupt("the row of the audit log's anchor is missing");
  const AnchorRow& row = rows.front();
  if (row.sequence == 0 && row.sha256.empty()) return std::nullopt;
  if (row.sequence <= 0 || !IsHexSha256(row.sha256)) {
    return RegistryCorrupt("the audit log's anchor makes no sense");
  }
  return AuditAnchor{static_cast<uint64_t>(row.sequence), row.sha256};
}

}  // namespace

absl::Status SqlRegistry::SetAuditAnchor(uint64_t sequence, absl::string_view sha256) {
  if (sequence == 0 || sequence > uint64_t{std::numeric_limits<int64_t>::max()} ||
      !IsHexSha256(sha256)) {
    return absl::InvalidArgumentError("an anchor has the number of a record and its SHA-256");
  }
  const SqlInteger number = static_cast<SqlInteger>(sequence);
  const std::string hash(sha256);
  return database_.Write([&](soci::session& session) -> absl::Status {
    const absl::Status former = SelectAuditAnchor(session).status();
    if (!former.ok()) return former;
    session << "UPDATE audit_anchor SET sequence = :sequence, sha256 = :sha256 WHERE id = 1",
        soci::use(number, "sequence"), soci::use(hash, "sha256");
    return absl::OkStatus();
  });
}

absl::StatusOr<std::optional<AuditAnchor>> SqlRegistry::GetAuditAnchor() {
  std::optional<AuditAnchor> anchor;
  const absl::Status read = database_.Read([&](soci::session& session) -> absl::Status {
    absl::StatusOr<std::optional<AuditAnchor>> selected = SelectAuditAnchor(session);
    if (selected.ok()) anchor = *std::move(selected);
    return selected.status();
  });
  if (!read.ok()) return read;
  return anchor;
}

}  // namespace keyward::registry
