// The audit log's records as one chain over its files.
#ifndef KEYWARD_SIGNER_AUDIT_LOG_WRITER_H_
#define KEYWARD_SIGNER_AUDIT_LOG_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "signer/audit/chain.h"
#include "signer/audit/log_file.h"
#include "signer/audit/recovery.h"
#include "signer/audit_record.h"

namespace keyward::signer {

// For one thread.
class LogWriter {
 public:
  // Goes on with `log`, whose file is `path`.
  LogWriter(std::string path, RecoveredLog log) : path_(std::move(path)), log_(std::move(log)) {}

  // Adds `records` in their order, behind an OpenFile where the file has no record yet; all
  // of them are on the disk once this returns OK, and none where it does not. Begins the
  // next file where CloseFile() closed the last. Errors have no reason.
  absl::Status Write(const std::vector<AuditRecord>& records);

  // What the last Write() wrote, without line ends.
  const std::vector<std::string>& lines() const { return lines_; }

  // Whether the file is larger or older than these and has more than the log's upkeep.
  bool IsDue(int64_t bytes, absl::Duration age, absl::Time now) const;

  // Gives the file its closed name; on the disk once this returns OK. Where it does not,
  // the file may be closed all the same, or go on.
  absl::Status CloseFile();

  // Whether the file has no record yet.
  bool is_empty() const { return log_.file->size() == 0; }
  const AuditHead& head() const { return log_.head; }
  // Whether records other than checkpoints follow the one that was last vouched for.
  bool has_unvouched() const { return log_.last_content > log_.head.vouched.sequence; }

 private:
  absl::Status BeginFile();
  void Note(const AuditRecord& record, const ChainLink& link);

  const std::string path_;
  // Its file is null, or has its closed name, after CloseFile().
  RecoveredLog log_;
  std::vector<std::string> lines_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LOG_WRITER_H_
