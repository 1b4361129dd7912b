#include "signer/audit_log.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace keyward::signer {
namespace {

// Longer than any record: enough of the file's end to hold its last one.
constexpr off_t kTailBytes = 16384;

// A busy signer's next group gathers for this long. Measured with 32 and 64 calls
// in flight, docs/adr/0003: it costs no throughput there and saves two thirds of the
// flushes.
constexpr absl::Duration kGatherTime = absl::Milliseconds(4);

// A disk that takes longer does not answer.
constexpr absl::Duration kLongestFlush = absl::Seconds(5);

// Far more than are ever on their way while the disk keeps up.
constexpr size_t kMaxPending = 10000;

// How ToJsonLine() begins.
constexpr char kRecordStart[] = "{\"sequence\":";

absl::Status Unavailable() {
  return Error(absl::StatusCode::kUnavailable, "AUDIT_UNAVAILABLE",
               "the audit log cannot be written, so nothing is signed; ask the operator to look at "
               "the signer's log");
}

absl::StatusOr<std::string> ReadTail(int fd, off_t size) {
  std::string tail(static_cast<size_t>(std::min(size, kTailBytes)), '\0');
  const ssize_t count = pread(fd, tail.data(), tail.size(), size - static_cast<off_t>(tail.size()));
  if (count != static_cast<ssize_t>(tail.size())) return absl::ErrnoToStatus(errno, "read");
  return tail;
}

// The number of the last complete record in `tail`, 0 where there is none.
uint64_t LastSequence(absl::string_view tail) {
  while (!tail.empty()) {
    const size_t end = tail.find_last_of('\n');
    if (end == absl::string_view::npos) return 0;
    tail = tail.substr(0, end);
    const size_t begin = tail.find_last_of('\n');
    const absl::string_view line = begin == absl::string_view::npos ? tail : tail.substr(begin + 1);
    const auto json = nlohmann::json::parse(line.begin(), line.end(), nullptr, false);
    if (json.is_object() && json.contains("sequence") && json["sequence"].is_number_unsigned()) {
      return json["sequence"].get<uint64_t>();
    }
  }
  return 0;
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const UniqueFd fd(
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, "open directory");
  return fsync(fd.get()) == 0 ? absl::OkStatus() : absl::ErrnoToStatus(errno, "fsync directory");
}

}  // namespace

AuditLog::AuditLog(std::string path, UniqueFd fd, off_t size, uint64_t next_sequence)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      durable_size_(size),
      next_sequence_(next_sequence),
      thread_([this] { Run(); }) {}

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::New(AuditOptions options) {
  const std::string& path = options.file;
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const std::string what = absl::StrCat("audit log ", path);
  if (fd.get() < 0) return Annotate(absl::ErrnoToStatus(errno, "open"), what);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return Annotate(absl::ErrnoToStatus(errno, "stat"), what);
  if (!S_ISREG(info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat(what, " is not a regular file"));
  }
  // Two writers would give out the same numbers, and cut off each other's records.
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Annotate(absl::ErrnoToStatus(errno, "lock"), what);
    return absl::FailedPreconditionError(
        absl::StrCat(what, " is in use by another process; end it, or choose another file"));
  }
  RETURN_IF_ERROR(Annotate(SyncDirectoryOf(path), what));
  absl::StatusOr<std::string> tail = ReadTail(fd.get(), info.st_size);
  RETURN_IF_ERROR(Annotate(tail.status(), what));
  const uint64_t last = LastSequence(*tail);
  // A crash can leave even the first record half written, but never another file's
  // text.
  if (last == 0 && !tail->empty() && !absl::StartsWith(*tail, kRecordStart)) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, " does not end in an audit record; move the file away"));
  }
  const bool incomplete = !tail->empty() && tail->back() != '\n';
  if (incomplete && write(fd.get(), "\n", 1) != 1) {
    return Annotate(absl::ErrnoToStatus(errno, "write"), what);
  }
  const off_t size = info.st_size + (incomplete ? 1 : 0);
  std::unique_ptr<AuditLog> log(new AuditLog(path, std::move(fd), size, last + 1));
  if (incomplete) {
    spdlog::warn("audit: {} ended in an incomplete record, from a crash; it was ended", path);
    log->Append({.time = absl::Now(), .method = "EndIncompleteRecord"}, nullptr);
  }
  return log;
}

AuditLog::~AuditLog() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    group_is_complete_ = true;
  }
  thread_.join();
}

void AuditLog::Append(AuditRecord record, Durable durable) {
  MutexLock lock(&mutex_);
  pending_.push_back({std::move(record), std::move(durable)});
}

void AuditLog::SetCheckpointSigner(CheckpointSigner /*sign*/) {}

void AuditLog::AppendRefusal(AuditRecord record) { Append(std::move(record), nullptr); }

AuditHead AuditLog::head() const { return {}; }

void AuditLog::FinishGroup() {
  MutexLock lock(&mutex_);
  group_is_complete_ = true;
}

absl::Status AuditLog::CheckWritable() const {
  MutexLock lock(&mutex_);
  const bool hangs = flush_start_ && absl::Now() - *flush_start_ > kLongestFlush;
  return failed_ || hangs || pending_.size() > kMaxPending ? Unavailable() : absl::OkStatus();
}

void AuditLog::Probe() {
  if (CheckWritable().ok()) return;
  Append({.time = absl::Now(), .method = "ResumeAuditLog"}, nullptr);
}

void AuditLog::Run() {
  bool busy = false;
  for (;;) {
    std::vector<Entry> group = NextGroup(busy);
    if (group.empty()) return;
    busy = group.size() > 1;
    Flush(group);
  }
}

std::vector<AuditLog::Entry> AuditLog::NextGroup(bool gather) {
  MutexLock lock(&mutex_);
  group_is_complete_ = closing_;
  const auto is_complete = [this]()
                               ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return group_is_complete_; };
  if (gather) mutex_.AwaitWithTimeout(is_complete, kGatherTime);
  const auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return closing_ || !pending_.empty();
  };
  mutex_.Await(has_work);
  return std::exchange(pending_, {});
}

void AuditLog::Flush(const std::vector<Entry>& group) {
  std::string lines;
  uint64_t sequence = next_sequence_;
  for (const Entry& entry : group) lines += ToJsonLine(entry.record, sequence++);
  {
    MutexLock lock(&mutex_);
    flush_start_ = absl::Now();
  }
  const absl::Status written = Write(lines);
  if (written.ok()) next_sequence_ = sequence;
  {
    MutexLock lock(&mutex_);
    flush_start_.reset();
    if (failed_ && written.ok()) spdlog::info("audit: {} can be written again", path_);
    if (!failed_ && !written.ok()) {
      spdlog::error("audit: cannot write {}: {}; nothing is signed", path_,
                    std::string(written.message()));
    }
    failed_ = !written.ok();
  }
  const absl::Status outcome = written.ok() ? absl::OkStatus() : Unavailable();
  for (const Entry& entry : group) {
    if (entry.durable) entry.durable(outcome);
  }
}

absl::Status AuditLog::Write(const std::string& lines) {
  RETURN_IF_ERROR(CheckFile());
  absl::string_view rest = lines;
  absl::Status status;
  while (status.ok() && !rest.empty()) {
    const ssize_t count = write(fd_.get(), rest.data(), rest.size());
    if (count >= 0) {
      rest.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      status = absl::ErrnoToStatus(errno, "write");
    }
  }
  if (status.ok() && fdatasync(fd_.get()) != 0) status = absl::ErrnoToStatus(errno, "fdatasync");
  if (status.ok()) {
    durable_size_ += static_cast<off_t>(lines.size());
    return status;
  }
  // Half a group must not stay: its callers are told that it is not there. Where it
  // does, CheckFile() finds it.
  if (ftruncate(fd_.get(), durable_size_) != 0) {
    spdlog::error("audit: cannot remove an incomplete record: {}",
                  std::string(absl::ErrnoToStatus(errno, "ftruncate").message()));
  }
  return status;
}

// Whether the file is still the one that its path names, and ends where we left it.
absl::Status AuditLog::CheckFile() {
  struct stat ours {};
  struct stat named {};
  if (fstat(fd_.get(), &ours) != 0) return absl::ErrnoToStatus(errno, "fstat");
  if (stat(path_.c_str(), &named) != 0 || named.st_dev != ours.st_dev ||
      named.st_ino != ours.st_ino) {
    return absl::FailedPreconditionError(
        "the file was moved or removed while in use; put it back, or restart to begin a new one");
  }
  if (ours.st_size == durable_size_) return absl::OkStatus();
  if (ours.st_size < durable_size_) {
    return absl::DataLossError(
        "records were cut off the file; restart to go on after what is left");
  }
  if (ftruncate(fd_.get(), durable_size_) == 0) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "what is behind the last record cannot be removed");
}

}  // namespace keyward::signer
