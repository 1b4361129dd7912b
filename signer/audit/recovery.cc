#include "signer/audit/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/audit/file_names.h"
#include "signer/audit/log_tail.h"
#include "signer/audit/set_aside.h"

namespace keyward::signer {
namespace {

constexpr absl::string_view kRecordStart = "{\"sequence\":";

// Somebody's file that is no log must not be written to. A crash can leave a piece of a
// record, or zeros where it should be.
absl::Status CheckNotForeign(const LogTail& tail) {
  const absl::string_view first = tail.lines().empty() ? tail.unfinished() : tail.lines().front();
  const bool torn = tail.lines().empty();
  if (absl::StartsWith(first, kRecordStart) || !tail.begins_file() ||
      (torn && absl::StartsWith(kRecordStart, first)) ||
      (torn && first.find_first_not_of('\0') == absl::string_view::npos)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      "is no audit log; move the file away, or name another in audit.file");
}

absl::Status CheckFollows(const LineStart& first, const ChainLink& before) {
  // The files before may have been taken to an archive.
  if (before.sequence == 0 || before.sequence + 1 < first.sequence) return absl::OkStatus();
  if (before.sequence + 1 == first.sequence && before.sha256 == first.previous) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "begins with record ", first.sequence, ", which does not follow record ", before.sequence,
      ", the last one of the newest closed file beside it; keep a copy of both as evidence, take "
      "away the one that does not belong here, and start again"));
}

// What stands before the file that is written: the last closed one, or one without a chain.
struct Before {
  ChainLink end;
  std::unique_ptr<LogTail> tail;
  AuditRecord opening;
};

absl::StatusOr<Before> ReadBefore(const std::string& path, bool set_aside) {
  ASSIGN_OR_RETURN(const std::vector<NumberedFile> closed, FindClosedFiles(path));
  ASSIGN_OR_RETURN(const std::vector<NumberedFile> unchained, FindUnchainedFiles(path));
  Before before;
  if ((closed.empty() || set_aside) && !unchained.empty()) {
    ASSIGN_OR_RETURN(before.opening,
                     DescribeUnchained(unchained.back().path, &before.end.sequence));
  }
  if (closed.empty()) return before;
  const std::string& last = closed.back().path;
  if (IsLocked(last)) {
    return absl::FailedPreconditionError(
        "is in use by another process; end it, or choose another file");
  }
  ASSIGN_OR_RETURN(before.tail, LogTail::ReadFile(last));
  if (before.tail->lines().empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(last, " has no record; put back the file that was closed, or move it away"));
  }
  absl::StatusOr<ChainLink> end = before.tail->CheckEnd();
  RETURN_IF_ERROR(Annotate(end.status(), absl::StrCat("the closed file ", last)));
  before.end = *std::move(end);
  return before;
}

// What the records of `tail` say of the file that they are the end of.
void Describe(const LogTail& tail, RecoveredLog& log) {
  for (const absl::string_view line : tail.lines()) {
    const std::optional<LineStart> start = ParseLineStart(line);
    log.has_content = log.has_content || !tail.begins_file() || (start && IsContent(start->method));
  }
}

// Of the file's first record: its number names the file when it is closed.
absl::Status ReadFirst(RecoveredLog& log) {
  ASSIGN_OR_RETURN(const std::string line, log.file->ReadFirstLine());
  const std::optional<LineStart> first = ParseLineStart(line);
  if (!first) {
    return absl::FailedPreconditionError(
        "does not begin with a record; keep a copy as evidence, and put back a copy that is "
        "intact, or move the file away");
  }
  log.first_sequence = first->sequence;
  log.first_time = ParseLineTime(first->time).value_or(absl::InfinitePast());
  return absl::OkStatus();
}

absl::StatusOr<RecoveredLog> Recover(const std::string& path, std::unique_ptr<LogFile> file) {
  ASSIGN_OR_RETURN(const bool unchained, IsUnchained(*file));
  std::unique_ptr<LogFile> old;
  if (unchained) {
    RETURN_IF_ERROR(SetAsideUnchained(*file));
    old = std::move(file);
    ASSIGN_OR_RETURN(file, LogFile::New(path));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<LogTail> tail, LogTail::Read(file->fd()));
  RETURN_IF_ERROR(CheckNotForeign(*tail));
  ASSIGN_OR_RETURN(Before before, ReadBefore(path, unchained));

  RecoveredLog log{.file = std::move(file), .opening = std::move(before.opening)};
  log.head.last = before.end;
  if (!tail->lines().empty()) {
    ASSIGN_OR_RETURN(log.head.last, tail->CheckEnd());
    RETURN_IF_ERROR(ReadFirst(log));
    const std::optional<LineStart> start = ParseLineStart(tail->lines().front());
    if (tail->begins_file()) RETURN_IF_ERROR(CheckFollows(*start, before.end));
  }
  if (!tail->unfinished().empty()) {
    RETURN_IF_ERROR(SetAsideTorn(*log.file, *tail, log.head.last.sequence + 1));
  }
  ASSIGN_OR_RETURN(log.records, UnrecordedTornFiles(path, {tail.get(), before.tail.get()},
                                                    log.head.last.sequence));

  Describe(*tail, log);
  std::optional<LogTail::Vouched> vouched = tail->LastCheckpoint();
  log.last_content = tail->LastContent();
  if (!vouched && before.tail) vouched = before.tail->LastCheckpoint();
  if (log.last_content == 0 && before.tail) log.last_content = before.tail->LastContent();
  // Nothing can vouch for what is not there; whoever verifies the log is told of it.
  if (vouched && vouched->link.sequence <= log.head.last.sequence) {
    log.head.vouched = vouched->link;
    log.head.vouched_time = vouched->time;
  }
  return log;
}

}  // namespace

absl::StatusOr<RecoveredLog> RecoverLog(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<LogFile> file, LogFile::New(path));
  absl::StatusOr<RecoveredLog> log = Recover(path, std::move(file));
  RETURN_IF_ERROR(Annotate(log.status(), absl::StrCat("audit log ", path)));
  return log;
}

bool IsContent(absl::string_view method) {
  return method != kOpenFileMethod && method != kCheckpointMethod;
}

}  // namespace keyward::signer
