// Where the audit log goes on when the signer starts.
#ifndef KEYWARD_SIGNER_AUDIT_RECOVERY_H_
#define KEYWARD_SIGNER_AUDIT_RECOVERY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "signer/audit/chain.h"
#include "signer/audit/log_file.h"
#include "signer/audit_record.h"

namespace keyward::signer {

struct RecoveredLog {
  // The one that is written; it ends with a whole record or is empty.
  std::unique_ptr<LogFile> file;
  // The end of the log, and the last checkpoint where it is in the last ten thousand
  // records or so.
  AuditHead head;
  // The number of the last record other than a checkpoint.
  uint64_t last_content = 0;

  // Of `file`'s first record; 0 where it has none.
  uint64_t first_sequence = 0;
  absl::Time first_time;
  // Whether `file` has more than what the log writes by itself.
  bool has_content = false;

  // What the file's first record says where that is still to be written.
  AuditRecord opening;
  // To be recorded before anything else.
  std::vector<AuditRecord> records;
};

// Opens the log whose file is `path`, which need not be there, and brings it into order
// after a crash at whatever moment: an unfinished line is set aside, a log without a chain
// is set aside whole, and where a file was closed and the next not begun it is begun.
// Errors as AuditLog::New()'s.
absl::StatusOr<RecoveredLog> RecoverLog(const std::string& path);

// Whether records of this method say that anything happened but the log's own upkeep.
bool IsContent(absl::string_view method);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_RECOVERY_H_
