// One file of the audit log, open for writing.
#ifndef KEYWARD_SIGNER_AUDIT_LOG_FILE_H_
#define KEYWARD_SIGNER_AUDIT_LOG_FILE_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/unique_fd.h"

namespace keyward::signer {

// Locked while it is open: two writers would give out the same numbers, and cut off each
// other's records. For one thread. Errors have no reason; they are sentences for the
// signer's own log.
class LogFile {
 public:
  // Opens `path`, or creates it with permissions 0600; its entry in the folder is on the
  // disk. FAILED_PRECONDITION where it is no regular file, another process has it open for
  // writing, or where others may read or change it.
  static absl::StatusOr<std::unique_ptr<LogFile>> New(const std::string& path);

  // Without its end; as much of it as a record may have.
  absl::StatusOr<std::string> ReadFirstLine() const;

  // Adds `text` and waits until the disk has it; all of it or nothing. Refused while the
  // file is not the one that its path names, and while it is shorter than it was left.
  absl::Status Append(absl::string_view text);

  // Cuts off what is behind `size`, and waits until the disk has it so.
  absl::Status CutOff(off_t size);

  // Gives it the name `path`, in the same folder, that no file has; on the disk once this
  // returns. The lock stays.
  absl::Status Rename(const std::string& path);

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // Up to the last record that is on the disk.
  off_t size() const { return size_; }

 private:
  LogFile(std::string path, UniqueFd fd, off_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  absl::Status CheckOurs() const;
  absl::Status CheckUnchanged() const;

  std::string path_;
  const UniqueFd fd_;
  off_t size_;
};

// Whether somebody has the file at `path` open as a LogFile.
bool IsLocked(const std::string& path);

// Waits until the disk has the folder of `path` as it is now.
absl::Status SyncFolderOf(const std::string& path);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LOG_FILE_H_
