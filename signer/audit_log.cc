#include "signer/audit_log.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/audit/recovery.h"

namespace keyward::signer {
namespace {

// A busy signer's next group gathers for this long. Measured with 32 and 64 calls
// in flight, docs/adr/0003: it costs no throughput there and saves two thirds of the
// flushes.
constexpr absl::Duration kGatherTime = absl::Milliseconds(4);

// A disk that takes longer does not answer.
constexpr absl::Duration kLongestFlush = absl::Seconds(5);

// Far more than are ever on their way while the disk keeps up.
constexpr size_t kMaxPending = 10000;

// An idle log looks at its file's age this often.
constexpr absl::Duration kTick = absl::Seconds(1);

// How long a file's end waits for its checkpoint, and how long one that could not be
// closed is left alone.
constexpr absl::Duration kCheckpointPatience = absl::Seconds(2);
constexpr absl::Duration kCloseRetry = absl::Minutes(1);

absl::Status Unavailable() {
  return Error(absl::StatusCode::kUnavailable, "AUDIT_UNAVAILABLE",
               "the audit log cannot be written, so nothing is signed; ask the operator to look at "
               "the signer's log");
}

AuditRecord OfCheckpoint(Checkpoint checkpoint) {
  return {.time = absl::Now(),
          .method = std::string(kCheckpointMethod),
          .checkpoint = std::move(checkpoint)};
}

bool IsResume(const AuditRecord& record) { return record.method == kResumeMethod; }

}  // namespace

AuditLog::AuditLog(AuditOptions options, LogWriter writer)
    : options_(std::move(options)),
      writer_(std::move(writer)),
      head_(writer_.head()),
      checkpointer_({.records = static_cast<uint64_t>(options_.checkpoint_records),
                     .interval = options_.checkpoint_interval,
                     .append =
                         [this](Checkpoint checkpoint) {
                           Append(OfCheckpoint(std::move(checkpoint)), nullptr);
                         }},
                    head_.vouched.sequence),
      thread_([this] { Run(); }) {}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::New(AuditOptions options) {
  ASSIGN_OR_RETURN(RecoveredLog recovered, RecoverLog(options.file));
  const std::vector<AuditRecord> records = std::exchange(recovered.records, {});
  LogWriter writer(options.file, std::move(recovered));
  // A new file's first record, and what was found: the log that can't take these is none.
  if (writer.is_empty() || !records.empty()) {
    RETURN_IF_ERROR(Annotate(writer.Write(records), "audit log " + options.file));
  }
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(options), std::move(writer)));
}

AuditLog::~AuditLog() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    group_is_complete_ = true;
  }
  thread_.join();
}

void AuditLog::SetCheckpointSigner(CheckpointSigner sign) {
  checkpointer_.SetSigner(std::move(sign));
}

void AuditLog::SetAnchorKeeper(AnchorKeeper keep) { checkpointer_.SetKeeper(std::move(keep)); }

void AuditLog::Append(AuditRecord record, Durable durable) {
  MutexLock lock(&mutex_);
  pending_.records.push_back(std::move(record));
  pending_.durables.push_back(std::move(durable));
}

void AuditLog::AppendRefusal(AuditRecord record) {
  MutexLock lock(&mutex_);
  std::optional<AuditRecord> at_once =
      refusals_.Add(std::move(record), RefusalCounter::Clock::now());
  if (!at_once) return;
  pending_.records.push_back(*std::move(at_once));
  pending_.durables.emplace_back();
}

void AuditLog::FinishGroup() {
  MutexLock lock(&mutex_);
  group_is_complete_ = true;
}

absl::Status AuditLog::CheckWritable() const {
  {
    MutexLock lock(&mutex_);
    const bool hangs = flush_start_ && absl::Now() - *flush_start_ > kLongestFlush;
    if (failed_ || hangs || pending_.records.size() > kMaxPending) return Unavailable();
  }
  return options_.sink ? options_.sink->CheckReady() : absl::OkStatus();
}

void AuditLog::Probe() {
  {
    MutexLock lock(&mutex_);
    if (!failed_) return;
  }
  Append({.time = absl::Now(), .method = kResumeMethod}, nullptr);
}

AuditHead AuditLog::head() const {
  MutexLock lock(&mutex_);
  return head_;
}

void AuditLog::Run() {
  // What New() wrote. A sink that can't take it now says so when something is signed.
  Deliver().IgnoreError();
  checkpointer_.Observe(writer_.head().last, writer_.has_unvouched());
  bool busy = false;
  for (;;) {
    Group group = NextGroup(busy);
    busy = group.records.size() > 1;
    if (!group.records.empty() && !Flush(std::move(group))) continue;
    {
      MutexLock lock(&mutex_);
      // What was counted until the end is still to be taken.
      if (closing_ && pending_.records.empty() && !refusals_.next_due()) break;
    }
    CloseFileIfDue();
  }
  if (!owed_.empty()) {
    spdlog::error("audit: {} records of what was done could not be written", owed_.size());
  }
  // A start that failed before there was a key leaves no word about that.
  if (checkpointer_.has_signer()) WriteLastCheckpoint();
}

AuditLog::Group AuditLog::NextGroup(bool gather) {
  MutexLock lock(&mutex_);
  group_is_complete_ = closing_;
  const auto is_complete = [this]()
                               ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return group_is_complete_; };
  if (gather) mutex_.AwaitWithTimeout(is_complete, kGatherTime);
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closing_ || !pending_.records.empty();
  };
  absl::Duration patience = kTick;
  if (const auto due = refusals_.next_due()) {
    patience = std::min(patience, absl::FromChrono(*due - RefusalCounter::Clock::now()));
  }
  mutex_.AwaitWithTimeout(has_work, patience);
  std::vector<AuditRecord> counted =
      closing_ ? refusals_.TakeAll() : refusals_.TakeDue(RefusalCounter::Clock::now());
  for (AuditRecord& record : counted) pending_.records.push_back(std::move(record));
  pending_.durables.resize(pending_.records.size());
  Group group = std::exchange(pending_, {});
  // With what gives a reason to try again: Probe() does each second.
  if (!group.records.empty()) {
    group.records.insert(group.records.begin(), owed_.begin(), owed_.end());
    group.durables.insert(group.durables.begin(), owed_.size(), nullptr);
    owed_.clear();
  }
  return group;
}

// Whether it is on the disk.
bool AuditLog::Flush(Group group) {
  {
    MutexLock lock(&mutex_);
    flush_start_ = absl::Now();
  }
  for (AuditRecord& record : group.records) {
    if (IsResume(record) && lost_refusals_ > 0) {
      record.detail = absl::StrCat("refusals that were not recorded: ", lost_refusals_);
    }
  }
  const absl::Status written = writer_.Write(group.records);
  const bool resumed = std::any_of(group.records.begin(), group.records.end(), IsResume);
  if (written.ok() && resumed) lost_refusals_ = 0;
  {
    MutexLock lock(&mutex_);
    flush_start_.reset();
    if (failed_ && written.ok()) spdlog::info("audit: {} can be written again", options_.file);
    if (!failed_ && !written.ok()) {
      spdlog::error("audit: cannot write {}: {}; nothing is signed", options_.file,
                    std::string(written.message()));
    }
    failed_ = !written.ok() || !owed_.empty();
    head_ = writer_.head();
  }
  absl::Status outcome = written.ok() ? Deliver() : Unavailable();
  if (written.ok()) {
    checkpointer_.Observe(writer_.head().last, writer_.has_unvouched());
    const bool has_checkpoint =
        std::any_of(group.records.begin(), group.records.end(),
                    [](const AuditRecord& record) { return record.method == kCheckpointMethod; });
    if (has_checkpoint) checkpointer_.KeepAnchor(writer_.head().last);
  }
  for (const Durable& durable : group.durables) {
    if (durable) durable(outcome);
  }
  if (!written.ok()) KeepWhatWasDone(std::move(group.records));
  return written.ok();
}

// A signature that was not recorded was not released either. But a change has happened,
// and must not go unrecorded because its record was too long for what was left of a disk.
void AuditLog::KeepWhatWasDone(std::vector<AuditRecord> records) {
  for (AuditRecord& record : records) {
    if (!record.refusal.empty() && !record.checkpoint) lost_refusals_ += record.count;
    if (!record.refusal.empty() || record.checkpoint || record.method == "Sign" ||
        IsResume(record)) {
      continue;
    }
    if (owed_.size() < kMaxPending) owed_.push_back(std::move(record));
  }
}

absl::Status AuditLog::Deliver() {
  if (options_.sink == nullptr || writer_.lines().empty()) return absl::OkStatus();
  return options_.sink->Deliver(writer_.lines());
}

void AuditLog::CloseFileIfDue() {
  const absl::Time now = absl::Now();
  if (now < next_close_ || !writer_.IsDue(options_.rotate_bytes, options_.rotate_age, now)) return;
  next_close_ = now + kCloseRetry;
  WriteLastCheckpoint();
  const absl::Status closed = writer_.CloseFile();
  if (!closed.ok()) {
    spdlog::error("audit: cannot close {}: {}; it is tried again", options_.file,
                  std::string(closed.message()));
  }
  // The next file's first record, or, where the file goes on, nothing.
  if (Flush({}) && closed.ok()) next_close_ = absl::InfinitePast();
}

// At a file's or the log's end, of what no checkpoint vouches for.
void AuditLog::WriteLastCheckpoint() {
  if (!writer_.has_unvouched()) return;
  absl::StatusOr<Checkpoint> checkpoint = checkpointer_.SignNow(kCheckpointPatience);
  Group group;
  if (checkpoint.ok()) {
    group.records.push_back(OfCheckpoint(*std::move(checkpoint)));
  } else {
    const std::string why(checkpoint.status().message());
    spdlog::warn("audit: no checkpoint at the end of {}: {}", options_.file, why);
    group.records.push_back({.time = absl::Now(),
                             .method = std::string(kCheckpointMethod),
                             .refusal = kCheckpointLeftOut,
                             .detail = why});
  }
  Flush(std::move(group));
}

absl::Status AppendAndWait(AuditLog& audit, AuditRecord record) {
  // Unlike absl::Notification, one that ThreadSanitizer sees.
  std::promise<absl::Status> done;
  audit.Append(std::move(record), [&](const absl::Status& durable) { done.set_value(durable); });
  return done.get_future().get();
}

}  // namespace keyward::signer
