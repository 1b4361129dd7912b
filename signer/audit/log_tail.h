// The end of a file of the audit log, as a start finds it.
#ifndef KEYWARD_SIGNER_AUDIT_LOG_TAIL_H_
#define KEYWARD_SIGNER_AUDIT_LOG_TAIL_H_

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "signer/audit/chain.h"

namespace keyward::signer {

class LogTail {
 public:
  // Reads as much of the file's end as holds some ten thousand records.
  static absl::StatusOr<std::unique_ptr<LogTail>> Read(int fd);
  // The same of a closed file. Errors name it.
  static absl::StatusOr<std::unique_ptr<LogTail>> ReadFile(const std::string& path);

  // Without their ends; the first is the file's first where begins_file().
  const std::vector<absl::string_view>& lines() const { return lines_; }
  bool begins_file() const { return offset_ == 0; }
  // What stands behind the last line end.
  absl::string_view unfinished() const { return unfinished_; }
  // Where that begins in the file, in bytes.
  off_t unfinished_offset() const;

  // The last of lines(), of which there is one at least, where it is a record and has the
  // hash of the one before it. FAILED_PRECONDITION says where the file is wrong and what
  // to do.
  absl::StatusOr<ChainLink> CheckEnd() const;

  // Number and time of the checkpoint that stands last in lines().
  struct Vouched {
    ChainLink link;
    absl::Time time;
  };
  std::optional<Vouched> LastCheckpoint() const;

  // The number of the last record other than a checkpoint, 0 where there is none.
  uint64_t LastContent() const;

 private:
  LogTail(std::string text, off_t offset);

  bool IsLinked(size_t index) const;
  absl::Status Corrupt() const;

  const std::string text_;
  off_t offset_;
  std::vector<absl::string_view> lines_;
  absl::string_view unfinished_;
};

// The place of the record `line`, which is `start`'s.
ChainLink LinkOf(absl::string_view line, uint64_t sequence);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LOG_TAIL_H_
