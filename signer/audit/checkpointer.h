// When the audit key signs where the log stands.
#ifndef KEYWARD_SIGNER_AUDIT_CHECKPOINTER_H_
#define KEYWARD_SIGNER_AUDIT_CHECKPOINTER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "signer/audit/chain.h"
#include "signer/audit/checkpoint_signature.h"

namespace keyward::signer {

// Signs a CheckpointStatement() with the audit key. Called on the log's checkpoint thread;
// should not take much longer than `deadline`, for the log's end waits for it.
using CheckpointSigner = std::function<absl::StatusOr<CheckpointSignature>(
    const std::string& statement, absl::Time deadline)>;

// Stores elsewhere that the log has the record of this link on the disk. Called on the log's
// checkpoint thread, as above.
using AnchorKeeper = std::function<absl::Status(const ChainLink& link)>;

// Has a thread of its own, so that a token that hangs never stops the log. A signer that
// fails is asked again after a second, and then at growing intervals up to a minute.
// Thread-safe.
class Checkpointer {
 public:
  struct Options {
    // A checkpoint is due once so many records follow the last one, or that long after the
    // first record that none vouches for.
    uint64_t records = 1000;
    absl::Duration interval = absl::Seconds(60);
    // Gets each checkpoint that was due, on the thread of this.
    std::function<void(Checkpoint)> append;
  };

  // `vouched`: the record of the last checkpoint in the log.
  Checkpointer(Options options, uint64_t vouched);
  // Waits until the signer returns, and until the last anchor is kept.
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  // None are made before. To be called once.
  void SetSigner(CheckpointSigner sign);
  bool has_signer() const;

  // Gets the anchors of KeepAnchor(). To be called once, before SetSigner().
  void SetKeeper(AnchorKeeper keep);
  // Has `last`, whose record is on the disk, kept soon; only the newest of several. A keeper
  // that fails is asked again with the next. Never waits for it.
  void KeepAnchor(const ChainLink& last);

  // Tells that the log's last record on the disk is `last`; `has_unvouched` as
  // LogWriter's.
  void Observe(const ChainLink& last, bool has_unvouched);

  // A checkpoint of the last record, now. Waits for `patience` at most:
  // DEADLINE_EXCEEDED. Else the signer's error. Not to be called by two threads at once.
  absl::StatusOr<Checkpoint> SignNow(absl::Duration patience);

 private:
  using Clock = std::chrono::steady_clock;

  void Run();
  // How long until the next is due; nothing where none will be before something changes.
  std::optional<absl::Duration> UntilDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static absl::StatusOr<Checkpoint> Sign(const CheckpointSigner& sign, const ChainLink& link,
                                         absl::Time deadline);
  void KeepWaitingAnchor() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void NoteOutcome(const absl::Status& outcome, uint64_t sequence, Clock::time_point start)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable Mutex mutex_;
  CheckpointSigner sign_ ABSL_GUARDED_BY(mutex_);
  AnchorKeeper keep_ ABSL_GUARDED_BY(mutex_);
  // Waits for the keeper.
  std::optional<ChainLink> anchor_ ABSL_GUARDED_BY(mutex_);
  bool keeping_fails_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Something that UntilDue() depends on.
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  ChainLink last_ ABSL_GUARDED_BY(mutex_);
  // The last record that was signed for, in the log or on its way there.
  uint64_t signed_ ABSL_GUARDED_BY(mutex_);
  // When the first record came that none vouches for.
  std::optional<Clock::time_point> unvouched_since_ ABSL_GUARDED_BY(mutex_);
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  Clock::time_point not_before_ ABSL_GUARDED_BY(mutex_){};

  // Of SignNow().
  std::optional<absl::Time> urgent_deadline_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::StatusOr<Checkpoint>> urgent_outcome_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_CHECKPOINTER_H_
