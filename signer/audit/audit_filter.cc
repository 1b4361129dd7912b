#include "signer/audit/audit_filter.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace keyward::signer {
namespace {

using Json = nlohmann::json;

// Whether JSON writes `text` as it is.
bool IsPlain(absl::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isprint(static_cast<unsigned char>(c)) || c == '"' || c == '\\') return false;
  }
  return true;
}

// False only where no string of `line` is `text`, which is far cheaper to see than to parse.
bool MayHold(absl::string_view line, absl::string_view text) {
  return text.empty() || !IsPlain(text) || absl::StrContains(line, absl::StrCat("\"", text, "\""));
}

bool HasMember(const Json& record, const char* name, const std::string& text) {
  if (text.empty()) return true;
  const auto member = record.find(name);
  return member != record.end() && member->is_string() &&
         member->get_ref<const std::string&>() == text;
}

bool MatchesTime(const AuditFilter& filter, const LineStart& start) {
  if (!filter.since && !filter.until) return true;
  const auto time = ParseLineTime(start.time);
  return time && (!filter.since || *time >= *filter.since) &&
         (!filter.until || *time < *filter.until);
}

}  // namespace

bool Matches(const AuditFilter& filter, absl::string_view line, const LineStart& start) {
  if (!filter.method.empty() && start.method != filter.method) return false;
  if (!filter.outcome.empty() && start.outcome != filter.outcome) return false;
  for (const std::string* text : {&filter.connection, &filter.identity, &filter.reason}) {
    if (!MayHold(line, *text)) return false;
  }
  if (!MatchesTime(filter, start)) return false;
  if (filter.connection.empty() && filter.identity.empty() && filter.reason.empty()) return true;
  const Json record = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  return record.is_object() && HasMember(record, "connection", filter.connection) &&
         HasMember(record, "identity", filter.identity) &&
         HasMember(record, "reason", filter.reason);
}

std::string MemberOf(absl::string_view line, absl::string_view name) {
  if (!absl::StrContains(line, absl::StrCat("\"", name, "\":"))) return "";
  const Json record = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return "";
  const auto member = record.find(std::string(name));
  return member != record.end() && member->is_string() ? member->get<std::string>() : "";
}

}  // namespace keyward::signer
