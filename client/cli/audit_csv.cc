#include "client/cli/audit_csv.h"

#include <array>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/cli/output.h"

namespace keyward::client {
namespace {

using Json = nlohmann::ordered_json;

// In this order for ever; new ones come before `record`.
constexpr std::array kColumns = {"sequence",      "time",
                                 "method",        "outcome",
                                 "reason",        "identity",
                                 "on_behalf_of",  "role",
                                 "connection",    "key_version",
                                 "sub",           "aud",
                                 "exp",           "claims_sha256",
                                 "trace_id",      "count",
                                 "last_time",     "approval",
                                 "comment",       "detail",
                                 "policy_sha256", "certificate_sha256",
                                 "key_uri"};

std::string Text(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::string Field(std::string text) {
  // What Excel, LibreOffice and Google take for the beginning of a formula (OWASP, "CSV
  // Injection").
  if (!text.empty() && absl::string_view("=+-@\t\r\n").find(text[0]) != absl::string_view::npos) {
    text.insert(0, "'");
  }
  if (text.find_first_of(",\"\r\n'") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

// A member's value on a line of several. Where it has a space it is shown as JSON writes
// it, or it could look like members that the record does not have.
std::string Value(const Json& value) {
  const std::string text = Text(value);
  if (!value.is_string() || text.find_first_of(" \"") == std::string::npos) return text;
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

std::string AuditCsvHeader() { return absl::StrCat(absl::StrJoin(kColumns, ","), ",record\r\n"); }

std::string AuditCsvRow(absl::string_view line) {
  const Json record = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  std::string row;
  for (const char* column : kColumns) {
    const bool has = record.is_object() && record.contains(column);
    absl::StrAppend(&row, has ? Field(Text(record[column])) : "", ",");
  }
  return absl::StrCat(row, Field(std::string(line)), "\r\n");
}

std::string AuditText(absl::string_view line) {
  const Json record = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return Plain(line);
  const auto member = [&](const char* name) {
    return record.contains(name) ? Value(record[name]) : std::string();
  };
  std::string text = absl::StrCat(member("time"), " ", member("sequence"), " ", member("outcome"),
                                  " ", member("method"));
  for (const char* name : {"connection", "identity", "reason"}) {
    if (record.contains(name)) absl::StrAppend(&text, " ", member(name));
  }
  for (const auto& [name, value] : record.items()) {
    if (name == "sequence" || name == "previous" || name == "time" || name == "outcome" ||
        name == "method" || name == "connection" || name == "identity" || name == "reason") {
      continue;
    }
    if (name == "checkpoint" && value.is_object() && value.contains("sequence")) {
      absl::StrAppend(&text, " checkpoint=", Value(value["sequence"]));
    } else {
      absl::StrAppend(&text, " ", name, "=", Value(value));
    }
  }
  return Plain(text);
}

}  // namespace keyward::client
