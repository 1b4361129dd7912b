// Whether a log that is being written has a record that it is known to have had.
#ifndef KEYWARD_SIGNER_AUDIT_LINK_SEARCH_H_
#define KEYWARD_SIGNER_AUDIT_LINK_SEARCH_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "signer/audit/chain.h"

namespace keyward::signer {

// Nothing where the log of `file` (as AuditReader's) has the record `link` and, if there is a
// next one, that follows it by number and hash; or where it begins with the record that does.
// Else what is there instead, for people. What else the log holds is a verifier's business.
// `link.sequence` is 1 or more. Errors: AuditReader::Read()'s. Thread-safe.
absl::StatusOr<std::optional<std::string>> FindInsteadOf(const ChainLink& link,
                                                         const std::string& file);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LINK_SEARCH_H_
