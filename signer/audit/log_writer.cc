#include "signer/audit/log_writer.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "signer/audit/file_names.h"

namespace keyward::signer {

absl::Status LogWriter::Write(const std::vector<AuditRecord>& records) {
  RETURN_IF_ERROR(BeginFile());
  lines_.clear();
  std::vector<ChainLink> links;
  ChainLink link = log_.head.last;
  std::string text;
  const auto add = [&](const AuditRecord& record) {
    std::string line = ToJsonLine(record, link.sequence + 1, link.sha256);
    link = {link.sequence + 1, HexSha256(line)};
    links.push_back(link);
    text.append(line) += '\n';
    lines_.push_back(std::move(line));
  };
  const bool opens = log_.file->size() == 0;
  if (opens) {
    log_.opening.method = std::string(kOpenFileMethod);
    log_.opening.time = absl::Now();
    add(log_.opening);
  }
  for (const AuditRecord& record : records) add(record);
  if (absl::Status status = log_.file->Append(text); !status.ok()) {
    lines_.clear();
    return status;
  }
  if (opens) {
    log_.first_sequence = links.front().sequence;
    log_.first_time = log_.opening.time;
    log_.has_content = false;
    Note(log_.opening, links.front());
    log_.opening = {};
  }
  for (size_t i = 0; i < records.size(); ++i) Note(records[i], links[i + (opens ? 1 : 0)]);
  return absl::OkStatus();
}

absl::Status LogWriter::BeginFile() {
  if (log_.file->path() == path_) return absl::OkStatus();
  ASSIGN_OR_RETURN(std::unique_ptr<LogFile> next, LogFile::New(path_));
  if (next->size() != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("somebody else has begun ", path_, "; move that file away"));
  }
  // Only now is the closed one's lock given up, so that another signer never sees the log
  // without a lock.
  log_.file = std::move(next);
  return absl::OkStatus();
}

void LogWriter::Note(const AuditRecord& record, const ChainLink& link) {
  log_.head.last = link;
  if (IsContent(record.method)) log_.has_content = true;
  if (!record.checkpoint) {
    log_.last_content = link.sequence;
    return;
  }
  // One that took long may come behind a later one.
  if (record.checkpoint->link.sequence < log_.head.vouched.sequence) return;
  log_.head.vouched = record.checkpoint->link;
  log_.head.vouched_time = ParseLineTime(record.checkpoint->time).value_or(record.time);
}

bool LogWriter::IsDue(int64_t bytes, absl::Duration age, absl::Time now) const {
  if (!log_.has_content) return false;
  return log_.file->size() >= bytes || now - log_.first_time >= age;
}

absl::Status LogWriter::CloseFile() {
  return log_.file->Rename(ClosedFileName(path_, log_.first_sequence));
}

}  // namespace keyward::signer
