#include "signer/audit_record.h"

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"

namespace keyward::signer {
namespace {

// As long as an identity can be: a record that cut it could mean several.
constexpr size_t kMaxIdentityBytes = 2048;
// As long as anything else that the signer accepts.
constexpr size_t kMaxTextBytes = 512;
constexpr size_t kMaxNameBytes = 63;

void AddText(nlohmann::ordered_json& line, const char* name, const std::string& text,
             size_t max_bytes = kMaxTextBytes) {
  if (!text.empty()) line[name] = text.substr(0, max_bytes);
}

}  // namespace

std::string CutName(const std::string& text) { return text.substr(0, kMaxNameBytes + 1); }

std::string ToJsonLine(const AuditRecord& record, uint64_t sequence) {
  nlohmann::ordered_json line;
  line["sequence"] = sequence;
  line["time"] = absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", record.time, absl::UTCTimeZone());
  line["method"] = record.method;
  line["outcome"] = record.refusal.empty() ? "done" : "refused";
  AddText(line, "reason", record.refusal);
  AddText(line, "identity", record.identity, kMaxIdentityBytes);
  AddText(line, "on_behalf_of", record.on_behalf_of, kMaxIdentityBytes);
  AddText(line, "role", record.role);
  AddText(line, "connection", record.connection);
  if (record.key_version) line["key_version"] = *record.key_version;
  AddText(line, "key_uri", record.key_uri);
  AddText(line, "certificate_sha256", record.certificate_sha256);
  AddText(line, "claims_sha256", record.claims_sha256);
  AddText(line, "sub", record.sub);
  AddText(line, "aud", record.aud);
  if (record.exp) line["exp"] = absl::ToUnixSeconds(*record.exp);
  AddText(line, "trace_id", record.trace_id);
  // Cutting may have split a character. ASCII alone, so that what a caller wrote
  // cannot steer the terminal of whoever reads the log.
  return line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace keyward::signer
