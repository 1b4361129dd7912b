// Last step of the signing path: the record of every decision, on disk before a
// signature is released.
#ifndef KEYWARD_SIGNER_AUDIT_LOG_H_
#define KEYWARD_SIGNER_AUDIT_LOG_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "common/unique_fd.h"
#include "signer/audit_record.h"

namespace keyward::signer {

// A file of JSON Lines, appended to. Records are written and flushed to the disk
// in groups by one thread, so that a busy signer pays for one fdatasync(2) per group
// and not per signature: while one group is being flushed the next gathers, and
// after a group of several it gathers for some milliseconds more, unless it is told
// that nothing else is on its way. A record that comes alone never waits.
//
// Fails closed: while the log can't be written, every record's callback gets the
// error and nothing may be released. Thread-safe.
class AuditLog {
 public:
  // Called once, on the log's thread; must not block and must not append.
  using Durable = std::function<void(const absl::Status&)>;

  // Opens or creates `path` with permissions 0600. Numbers go on after the last
  // record that is there. A last line without its end, from a crash, is ended; its
  // signature was never released. The file is locked: a second log of it, in this
  // process or another, is refused. Errors name the file.
  static absl::StatusOr<std::unique_ptr<AuditLog>> New(const std::string& path);
  // Writes what was appended.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // Queues the record. `durable` gets OK once it is on the disk, or UNAVAILABLE,
  // AUDIT_UNAVAILABLE where it is not and never will be.
  void Append(AuditRecord record, Durable durable);

  // Says that no more records are on their way: what has gathered is flushed now.
  void FinishGroup();

  // OK, or AUDIT_UNAVAILABLE after the last group failed, while the disk does not
  // answer, and while more records wait than a group should have: then nothing
  // should be signed at all. Every append tries again, and so does Probe().
  absl::Status CheckWritable() const;

  // After a failure, appends a record that says that the log works again, if it
  // does.
  void Probe();

 private:
  struct Entry {
    AuditRecord record;
    Durable durable;
  };

  AuditLog(std::string path, UniqueFd fd, off_t size, uint64_t next_sequence);

  void Run();
  std::vector<Entry> NextGroup(bool gather);
  void Flush(const std::vector<Entry>& group);
  absl::Status Write(const std::string& lines);
  absl::Status CheckFile();

  const std::string path_;
  const UniqueFd fd_;
  // Used by the log's thread only.
  off_t durable_size_;
  uint64_t next_sequence_;

  mutable Mutex mutex_;
  std::vector<Entry> pending_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool group_is_complete_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  // Of the flush under way.
  std::optional<absl::Time> flush_start_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LOG_H_
