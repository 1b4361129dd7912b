// One audit record in the formats of those who take it.
#ifndef KEYWARD_SIGNER_AUDIT_SYSLOG_MESSAGE_H_
#define KEYWARD_SIGNER_AUDIT_SYSLOG_MESSAGE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace keyward::signer {

// APP-NAME and SYSLOG_IDENTIFIER.
inline constexpr char kSyslogName[] = "keyward-signer";

// Who speaks, the same in every message of a process.
struct SyslogSource {
  // This machine and process.
  static SyslogSource Local();

  // PRINTUSASCII of RFC 5424 section 6, or "-".
  std::string host;
  std::string process;
};

// `line`, one of docs/audit.md without its LF, as a message of RFC 5424:
//
//   <85>1 2026-01-02T03:04:05.678901Z host keyward-signer 4711 audit - {"sequence":…}
//
// The facility is authpriv (10); the severity notice (5), for a refusal warning (4). The
// time is the record's, with at most its microseconds; "-" where it has none. There is no
// structured data, for the record itself is structured. It is ASCII, so it comes without a
// BOM, which would stand in the way of what parses JSON; a line that is not ASCII has one,
// as section 6.4 wants it of UTF-8.
std::string SyslogMessage(absl::string_view line, const SyslogSource& source);

// The message with its length in front, RFC 5425 section 4.3: "LENGTH MESSAGE".
std::string OctetCounted(absl::string_view message);

// `line` as an entry of systemd's native protocol: MESSAGE is the line, and there are
// PRIORITY, SYSLOG_FACILITY, SYSLOG_IDENTIFIER, SYSLOG_PID and KEYWARD_SEQUENCE.
std::string JournalEntry(absl::string_view line, const SyslogSource& source);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_SYSLOG_MESSAGE_H_
