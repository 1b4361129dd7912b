// Strings as JSON (RFC 8259) in ASCII, for the audit log's records.
#ifndef KEYWARD_SIGNER_AUDIT_JSON_TEXT_H_
#define KEYWARD_SIGNER_AUDIT_JSON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace keyward::signer {

// Appends `text` to `json` as a string with its quotation marks. Everything but printable
// ASCII is escaped, so that what a caller wrote can neither end the line nor steer the
// terminal of whoever reads it. What is not UTF-8 (RFC 3629) becomes U+FFFD.
void AppendJsonText(absl::string_view text, std::string& json);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_JSON_TEXT_H_
