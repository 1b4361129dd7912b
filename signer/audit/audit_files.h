// The files that make up a log, in the order of their records.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_FILES_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "signer/audit/line_reader.h"

namespace keyward::signer {

// Opened, at its beginning. Held open from when it was found, so that a file which is
// closed and renamed meanwhile is still the one that was found.
struct AuditFile {
  std::string path;
  UniqueFd fd;
  // Of its first record; 0 where it has none.
  uint64_t first_sequence = 0;
};

// Opens `paths`, files or directories that stand for every *.jsonl in them, and sorts them
// by their first record; one without records comes last. One that is given twice counts once.
// INVALID_ARGUMENT AUDIT_FILES_MISSING where there is none, UNAVAILABLE AUDIT_FILE_UNREADABLE,
// also where they are more than a process may have open.
absl::StatusOr<std::vector<AuditFile>> OpenAuditFiles(const std::vector<std::string>& paths);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_FILES_H_
