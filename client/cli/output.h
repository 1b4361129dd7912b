// What the command writes to standard output.
#ifndef KEYWARD_CLIENT_CLI_OUTPUT_H_
#define KEYWARD_CLIENT_CLI_OUTPUT_H_

#include <google/protobuf/timestamp.pb.h>
#include <keyward/v1/approvals.pb.h>
#include <keyward/v1/connections.pb.h>
#include <keyward/v1/exchange.pb.h>
#include <keyward/v1/key_versions.pb.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward::client {

// Writes `text` as it is. An error when standard output does not take it, so
// that a full disk is not mistaken for success.
absl::Status Print(absl::string_view text);

// Writes indented JSON and the end of the line. In strings, characters that play with the terminal
// are escaped.
absl::Status PrintJson(const nlohmann::ordered_json& json);

// Writes `rows` in columns, the first row being the headings, each as Plain().
absl::Status PrintTable(const std::vector<std::vector<std::string>>& rows);

// Printable() of common/utf8.h, so that nothing from elsewhere plays with the terminal.
std::string Plain(absl::string_view text);

// "2026-01-31T12:00:00Z", empty for no time.
std::string TimeText(absl::Time time);
std::string TimeText(bool present, const google::protobuf::Timestamp& time);

// The API's messages with the names of their fields; digests in hexadecimal. A key
// version also says how near its certificate's end is now: "certificate_status" is OK,
// EXPIRING or EXPIRED.
nlohmann::ordered_json ToJson(const v1::Connection& connection);
nlohmann::ordered_json ToJson(const v1::KeyVersion& version);
// With "before" and "after" as objects.
nlohmann::ordered_json ToJson(const v1::Approval& approval);
nlohmann::ordered_json ToJson(const v1::TestConnectionResponse& report);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLI_OUTPUT_H_
