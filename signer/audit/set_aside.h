// What a start takes out of the audit log's way, and keeps.
#ifndef KEYWARD_SIGNER_AUDIT_SET_ASIDE_H_
#define KEYWARD_SIGNER_AUDIT_SET_ASIDE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "signer/audit/log_file.h"
#include "signer/audit/log_tail.h"
#include "signer/audit_record.h"

namespace keyward::signer {

// Moves the unfinished line of `tail`, which is `file`'s, to a file of its own
// (TornFileName) with permissions 0600: that is on the disk before the line is cut off.
// `sequence` is the number that the line's record would have had. A crash at any point
// leaves what the next call finishes.
absl::Status SetAsideTorn(LogFile& file, const LogTail& tail, uint64_t sequence);

// A record for each torn line's file that no record in `tails` names, where `last` is the
// last record's number: a crash may come between setting aside and recording. Null tails
// are passed over.
absl::StatusOr<std::vector<AuditRecord>> UnrecordedTornFiles(
    const std::string& active, const std::vector<const LogTail*>& tails, uint64_t last);

// Whether `file` begins as a log from before records had `previous`.
absl::StatusOr<bool> IsUnchained(const LogFile& file);

// Gives such a file the name UnchainedFileName(), as it is.
absl::Status SetAsideUnchained(LogFile& file);

// What the chain's first record says of the file at `path`, and in `last` the number of
// that file's last record.
absl::StatusOr<AuditRecord> DescribeUnchained(const std::string& path, uint64_t* last);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_SET_ASIDE_H_
