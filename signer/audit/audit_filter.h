// Which records a reader wants to see.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_FILTER_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_FILTER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "signer/audit/audit_line.h"

namespace keyward::signer {

// Each leaves out what is not equal; empty for no such condition.
struct AuditFilter {
  std::string connection;
  std::string identity;
  std::string method;
  std::string outcome;
  std::string reason;
  // Records of this time and later …
  std::optional<absl::Time> since;
  // … and earlier than this one.
  std::optional<absl::Time> until;
};

// Whether `filter` lets `line` pass, whose start is `start`. A line that is no JSON object
// passes only where no condition asks for what is in it.
bool Matches(const AuditFilter& filter, absl::string_view line, const LineStart& start);

// The string member `name` of `line`, a JSON object, itself; empty where it has none. For
// one or two members of a line: each call reads it anew.
std::string MemberOf(absl::string_view line, absl::string_view name);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_FILTER_H_
