#include "signer/audit/syslog_message.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace keyward::signer {
namespace {

// RFC 5424 section 6.2.1.
constexpr int kAuthpriv = 10;
constexpr int kWarning = 4;
constexpr int kNotice = 5;

// RFC 5424 section 6.2.4.
constexpr size_t kMaxHostBytes = 255;

constexpr char kByteOrderMark[] = "\xEF\xBB\xBF";

// What docs/audit.md promises of a line's beginning. A quotation mark inside of a JSON
// string is escaped, so none of these can come out of a value.
constexpr char kSequence[] = "{\"sequence\":";
constexpr char kTime[] = ",\"time\":\"";
constexpr char kRefused[] = ",\"outcome\":\"refused\"";

int SeverityOf(absl::string_view line) {
  return absl::StrContains(line, kRefused) ? kWarning : kNotice;
}

std::string SequenceOf(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, kSequence)) return "";
  const auto* end = std::find_if_not(line.begin(), line.end(), absl::ascii_isdigit);
  return std::string(line.begin(), end);
}

// TIMESTAMP of RFC 5424 section 6.2.3: no more than six digits of a second.
std::string TimestampOf(absl::string_view line) {
  const size_t begin = line.find(kTime);
  if (begin == absl::string_view::npos) return "-";
  line.remove_prefix(begin + sizeof(kTime) - 1);
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, line.substr(0, line.find('"')), &time, nullptr)) {
    return "-";
  }
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

bool IsAscii(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isascii);
}

// A value with a line's end would need the format with a length; none of ours has one, and
// for the line itself the format is always right.
void AddField(absl::string_view name, absl::string_view value, std::string& entry) {
  absl::StrAppend(&entry, name, "=", value, "\n");
}

void AddBinaryField(absl::string_view name, absl::string_view value, std::string& entry) {
  absl::StrAppend(&entry, name, "\n");
  for (uint64_t length = value.size(), i = 0; i < sizeof(length); ++i, length >>= 8U) {
    entry += static_cast<char>(length & 0xFFU);
  }
  absl::StrAppend(&entry, value, "\n");
}

}  // namespace

SyslogSource SyslogSource::Local() {
  std::array<char, kMaxHostBytes + 1> host = {};
  const bool known = gethostname(host.data(), host.size() - 1) == 0;
  const absl::string_view name(host.data());
  return {.host = known && !name.empty() && IsPrintable(name) ? std::string(name) : "-",
          .process = absl::StrCat(getpid())};
}

std::string SyslogMessage(absl::string_view line, const SyslogSource& source) {
  return absl::StrCat("<", kAuthpriv * 8 + SeverityOf(line), ">1 ", TimestampOf(line), " ",
                      source.host, " ", kSyslogName, " ", source.process, " audit - ",
                      IsAscii(line) ? "" : kByteOrderMark, line);
}

std::string OctetCounted(absl::string_view message) {
  return absl::StrCat(message.size(), " ", message);
}

std::string JournalEntry(absl::string_view line, const SyslogSource& source) {
  std::string entry;
  AddBinaryField("MESSAGE", line, entry);
  AddField("PRIORITY", absl::StrCat(SeverityOf(line)), entry);
  AddField("SYSLOG_FACILITY", absl::StrCat(kAuthpriv), entry);
  AddField("SYSLOG_IDENTIFIER", kSyslogName, entry);
  AddField("SYSLOG_PID", source.process, entry);
  const std::string sequence = SequenceOf(line);
  if (!sequence.empty()) AddField("KEYWARD_SEQUENCE", sequence, entry);
  return entry;
}

}  // namespace keyward::signer
