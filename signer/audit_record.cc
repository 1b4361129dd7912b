#include "signer/audit_record.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "signer/audit/json_text.h"

namespace keyward::signer {
namespace {

// As long as an identity can be: a record that cut it could mean several.
constexpr size_t kMaxIdentityBytes = 2048;
// As long as anything else that the signer accepts.
constexpr size_t kMaxTextBytes = 512;
constexpr size_t kMaxNameBytes = 63;
// As much of a change as a record holds of each side.
constexpr size_t kMaxChangeBytes = 16384;

// The members of one line, by hand: the signing path writes one for each signature, and
// a JSON library takes several times as long.
class Line {
 public:
  Line(uint64_t sequence, absl::string_view previous) {
    json_.reserve(768);
    absl::StrAppend(&json_, "{\"sequence\":", sequence, ",\"previous\":\"", previous, "\"");
  }

  // Where there is any text.
  void Text(absl::string_view name, absl::string_view text, size_t max_bytes = kMaxTextBytes) {
    if (text.empty()) return;
    Name(name);
    AppendJsonText(text.substr(0, max_bytes), json_);
  }
  void Number(absl::string_view name, uint64_t number) {
    Name(name);
    absl::StrAppend(&json_, number);
  }
  void Signed(absl::string_view name, int64_t number) {
    Name(name);
    absl::StrAppend(&json_, number);
  }
  void Time(absl::string_view name, absl::Time time) {
    Name(name);
    json_ += '"';
    AppendAuditTime(time, json_);
    json_ += '"';
  }
  // JSON itself.
  void Json(absl::string_view name, absl::string_view json) {
    Name(name);
    json_.append(json.data(), json.size());
  }

  std::string End() && {
    json_ += '}';
    return std::move(json_);
  }

 private:
  void Name(absl::string_view name) { absl::StrAppend(&json_, ",\"", name, "\":"); }

  std::string json_;
};

std::string OnlyDigest(const std::string& text) {
  return absl::StrCat("{\"sha256\":\"", HexSha256(text), "\"}");
}

// `text` as an object in ASCII on one line, whatever it is.
std::string ChangeJson(const std::string& text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!json.is_object()) return OnlyDigest(text);
  std::string line = json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  return line.size() > kMaxChangeBytes ? OnlyDigest(text) : line;
}

std::string CheckpointJson(const Checkpoint& checkpoint) {
  std::string json = absl::StrCat("{\"sequence\":", checkpoint.link.sequence, ",\"sha256\":\"",
                                  checkpoint.link.sha256, "\",\"time\":\"", checkpoint.time,
                                  "\",\"key_version\":", checkpoint.key_version, ",\"kid\":");
  AppendJsonText(checkpoint.kid, json);
  json += ",\"signature\":";
  AppendJsonText(checkpoint.signature, json);
  return json + "}";
}

std::string Compose(const AuditRecord& record, uint64_t sequence, absl::string_view previous,
                    const std::string& before, const std::string& after) {
  Line line(sequence, previous);
  line.Time("time", record.time);
  line.Text("method", record.method);
  line.Text("outcome", record.refusal.empty() ? "done" : "refused");
  line.Text("reason", record.refusal);
  line.Text("identity", record.identity, kMaxIdentityBytes);
  line.Text("on_behalf_of", record.on_behalf_of, kMaxIdentityBytes);
  line.Text("role", record.role);
  line.Text("connection", record.connection);
  if (record.key_version) line.Number("key_version", *record.key_version);
  line.Text("key_uri", record.key_uri);
  line.Text("certificate_sha256", record.certificate_sha256);
  line.Text("claims_sha256", record.claims_sha256);
  line.Text("sub", record.sub);
  line.Text("aud", record.aud);
  if (record.exp) line.Signed("exp", absl::ToUnixSeconds(*record.exp));
  line.Text("trace_id", record.trace_id);
  line.Text("approval", record.approval);
  line.Text("comment", record.comment);
  line.Text("policy_sha256", record.policy_sha256);
  line.Text("detail", record.detail);
  line.Text("file", record.file);
  line.Text("file_sha256", record.file_sha256);
  if (record.count > 1) line.Number("count", record.count);
  if (record.last_time) line.Time("last_time", *record.last_time);
  if (!before.empty()) line.Json("before", before);
  if (!after.empty()) line.Json("after", after);
  if (record.checkpoint) line.Json("checkpoint", CheckpointJson(*record.checkpoint));
  return std::move(line).End();
}

}  // namespace

std::string CutName(const std::string& text) { return text.substr(0, kMaxNameBytes + 1); }

std::string ToJsonLine(const AuditRecord& record, uint64_t sequence, absl::string_view previous) {
  const auto change = [](const std::string& text) { return text.empty() ? "" : ChangeJson(text); };
  std::string line =
      Compose(record, sequence, previous, change(record.before), change(record.after));
  if (line.size() <= kMaxLineBytes) return line;
  const auto digest = [](const std::string& text) { return text.empty() ? "" : OnlyDigest(text); };
  return Compose(record, sequence, previous, digest(record.before), digest(record.after));
}

}  // namespace keyward::signer
