#include "client/cli/output.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/certificate_expiry.h"
#include "common/utf8.h"

namespace keyward::client {
namespace {

// Code points of well-formed text, not bytes: continuation bytes of UTF-8 take no room.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

nlohmann::ordered_json MessageToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return {};
  return nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace

absl::Status Print(absl::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "cannot write to standard output");
}

absl::Status PrintJson(const nlohmann::ordered_json& json) {
  using ErrorHandler = nlohmann::ordered_json::error_handler_t;
  return Print(absl::StrCat(PrintableJson(json.dump(2, ' ', false, ErrorHandler::replace)), "\n"));
}

absl::Status PrintTable(const std::vector<std::vector<std::string>>& rows) {
  // First, for the widths are those of what is shown.
  std::vector<std::vector<std::string>> shown = rows;
  std::vector<size_t> widths;
  for (auto& row : shown) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = Plain(row[i]);
      widths[i] = std::max(widths[i], Width(row[i]));
    }
  }
  std::string text;
  for (const auto& row : shown) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      absl::StrAppend(&line, row[i], std::string(widths[i] - Width(row[i]) + 2, ' '));
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&text, line, "\n");
  }
  return Print(text);
}

std::string Plain(absl::string_view text) { return Printable(text); }

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string TimeText(bool present, const google::protobuf::Timestamp& time) {
  return present ? TimeText(absl::FromUnixSeconds(time.seconds())) : "";
}

nlohmann::ordered_json ToJson(const v1::Connection& connection) {
  return MessageToJson(connection);
}

nlohmann::ordered_json ToJson(const v1::KeyVersion& version) {
  nlohmann::ordered_json json = MessageToJson(version);
  json["certificate_sha256_fingerprint"] =
      absl::BytesToHexString(version.certificate_sha256_fingerprint());
  if (version.has_certificate_not_after()) {
    const absl::Time not_after = absl::FromUnixSeconds(version.certificate_not_after().seconds());
    json["certificate_status"] =
        std::string(CertificateStatusName(CertificateStatusAt(not_after, absl::Now())));
  }
  return json;
}

nlohmann::ordered_json ToJson(const v1::Approval& approval) {
  nlohmann::ordered_json json = MessageToJson(approval);
  for (const char* member : {"before", "after"}) {
    const std::string text = json.value(std::string(member) + "_json", "");
    nlohmann::ordered_json parsed = nlohmann::ordered_json::parse(text, nullptr, false);
    json.erase(std::string(member) + "_json");
    json[member] = parsed.is_discarded() ? nullptr : std::move(parsed);
  }
  return json;
}

nlohmann::ordered_json ToJson(const v1::TestConnectionResponse& report) {
  return MessageToJson(report);
}

}  // namespace keyward::client
