// Last step of the signing path: the record of every decision, on disk before a
// signature is released.
#ifndef KEYWARD_SIGNER_AUDIT_LOG_H_
#define KEYWARD_SIGNER_AUDIT_LOG_H_

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
#include "signer/audit/audit_sink.h"
#include "signer/audit/chain.h"
#include "signer/audit/checkpointer.h"
#include "signer/audit/log_writer.h"
#include "signer/audit/refusal_counter.h"
#include "signer/audit_record.h"

namespace keyward::signer {

struct AuditOptions {
  // The file that is written; those before it lie beside it (signer/audit/file_names.h).
  std::string file;
  // A file that is larger or older is closed and the next one begun.
  int64_t rotate_bytes = int64_t{100} << 20;
  absl::Duration rotate_age = absl::Hours(24);
  // A checkpoint after so many records or that much time, whichever comes first, while
  // there are records that none vouches for.
  int checkpoint_records = 1000;
  absl::Duration checkpoint_interval = absl::Seconds(60);
  // Gets every record after the file has it; may be null.
  std::shared_ptr<AuditSink> sink;
};

// Files of JSON Lines whose records are chained by SHA-256 (docs/audit.md). Records are
// written and flushed to the disk in groups by one thread, so that a busy signer pays for
// one fdatasync(2) per group and not per signature: while one group is being flushed the
// next gathers, and after a group of several it gathers for some milliseconds more, unless
// it is told that nothing else is on its way. A record that comes alone never waits.
//
// Fails closed: while the log can't be written, every record's callback gets the
// error and nothing may be released. Thread-safe.
class AuditLog {
 public:
  // Called once, on the log's thread; must not block and must not append.
  using Durable = std::function<void(const absl::Status&)>;

  // Opens or creates the file with permissions 0600, and goes on after the last record
  // that is there, in it or in the last closed file. A last line without its end, from a
  // crash, is set aside; its signature was never released. The file is locked: a second
  // log of it, in this process or another, is refused, and so is one that does not end as
  // a log does. Errors name the file and say what to do.
  static absl::StatusOr<std::unique_ptr<AuditLog>> New(AuditOptions options);
  // Writes what was appended or counted, and the last checkpoint; waits two seconds for
  // that at most, and for the checkpoint signer's last call to return.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // From now on checkpoints are made. To be called once. What `sign` uses outlives the log.
  void SetCheckpointSigner(CheckpointSigner sign);

  // From now on `keep` gets the end of the log whenever a checkpoint, or the record of one
  // that was left out, is on the disk. To be called once, before SetCheckpointSigner(). What
  // `keep` uses outlives the log.
  void SetAnchorKeeper(AnchorKeeper keep);

  // Queues the record. `durable`, which may be null, gets OK once it is on the disk, or
  // UNAVAILABLE, AUDIT_UNAVAILABLE where it is not. That of a signature never will be then;
  // that of anything else that was done is kept, and written before whatever comes later.
  // Where it is on the disk and the sink does not take it: what the sink says.
  void Append(AuditRecord record, Durable durable);

  // Queues the record of a refusal; nobody is told when it is on the disk. One of which an
  // identical one (identity, method, connection, reason) was appended less than a second
  // ago is counted, and so is what is beyond 10 different ones a second and identity:
  // what was counted is written within about a second (signer/audit/refusal_counter.h).
  void AppendRefusal(AuditRecord record);

  // Says that no more records are on their way: what has gathered is flushed now.
  void FinishGroup();

  // OK, or AUDIT_UNAVAILABLE after the last group failed, while the disk does not
  // answer, and while more records wait than a group should have: then nothing
  // should be signed at all. Every append tries again, and so does Probe(). Else what a
  // sink's CheckReady() says.
  absl::Status CheckWritable() const;

  // After a failure, appends a record that says that the log works again, if it
  // does, and how many refusals were not recorded meanwhile.
  void Probe();

  // The end of the log.
  AuditHead head() const;

 private:
  // Records that are flushed together; as many callbacks, null ones too.
  struct Group {
    std::vector<AuditRecord> records;
    std::vector<Durable> durables;
  };

  AuditLog(AuditOptions options, LogWriter writer);

  void Run();
  Group NextGroup(bool gather);
  bool Flush(Group group);
  void KeepWhatWasDone(std::vector<AuditRecord> records);
  absl::Status Deliver();
  void CloseFileIfDue();
  void WriteLastCheckpoint();

  const AuditOptions options_;
  // Used by the log's thread only, these four.
  LogWriter writer_;
  absl::Time next_close_ = absl::InfinitePast();
  // What was done and could not be written. As long as there is any, the log has failed.
  std::vector<AuditRecord> owed_;
  // Refusals that could not be written, since the last record that says how many.
  uint64_t lost_refusals_ = 0;

  mutable Mutex mutex_;
  Group pending_ ABSL_GUARDED_BY(mutex_);
  RefusalCounter refusals_ ABSL_GUARDED_BY(mutex_);
  AuditHead head_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool group_is_complete_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  // Of the flush under way.
  std::optional<absl::Time> flush_start_ ABSL_GUARDED_BY(mutex_);

  Checkpointer checkpointer_;
  std::thread thread_;
};

// Appends, and waits for the answer that `durable` would get.
absl::Status AppendAndWait(AuditLog& audit, AuditRecord record);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LOG_H_
