// Audit records as rows of a spreadsheet.
#ifndef KEYWARD_CLIENT_CLI_AUDIT_CSV_H_
#define KEYWARD_CLIENT_CLI_AUDIT_CSV_H_

#include <string>

#include "absl/strings/string_view.h"

namespace keyward::client {

// The names of the columns, with the end of the row.
std::string AuditCsvHeader();

// `line`, a record, as a row of RFC 4180 with its end: the members that docs/audit.md names
// for `keyward audit export`, and the line itself. Text that a spreadsheet would take for a
// formula has a "'" in front.
std::string AuditCsvRow(absl::string_view line);

// `line` for people: time, number, outcome, method, and what else the record says.
std::string AuditText(absl::string_view line);

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_CLI_AUDIT_CSV_H_
