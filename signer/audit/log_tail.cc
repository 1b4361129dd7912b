#include "signer/audit/log_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/openssl.h"
#include "common/status_macros.h"
#include "common/unique_fd.h"

namespace keyward::signer {
namespace {

// More than checkpoint_records may be, of records as signatures leave them.
constexpr off_t kTailBytes = off_t{16} << 20;

nlohmann::json Parse(absl::string_view line) {
  return nlohmann::json::parse(line.begin(), line.end(), nullptr, false);
}

// The start of `line` where all of it is JSON.
std::optional<LineStart> ParseRecord(absl::string_view line) {
  const std::optional<LineStart> start = ParseLineStart(line);
  return start && Parse(line).is_object() ? start : std::nullopt;
}

std::optional<LogTail::Vouched> ParseCheckpoint(absl::string_view line) {
  const nlohmann::json record = Parse(line);
  if (!record.is_object() || !record.contains("checkpoint")) return std::nullopt;
  const nlohmann::json& checkpoint = record["checkpoint"];
  if (!checkpoint.is_object()) return std::nullopt;
  const auto sequence = checkpoint.find("sequence");
  const auto sha256 = checkpoint.find("sha256");
  const auto time = checkpoint.find("time");
  if (sequence == checkpoint.end() || !sequence->is_number_unsigned() ||
      sha256 == checkpoint.end() || !sha256->is_string() || time == checkpoint.end() ||
      !time->is_string()) {
    return std::nullopt;
  }
  const std::optional<absl::Time> parsed = ParseLineTime(time->get<std::string>());
  if (!parsed) return std::nullopt;
  return LogTail::Vouched{{sequence->get<uint64_t>(), sha256->get<std::string>()}, *parsed};
}

}  // namespace

ChainLink LinkOf(absl::string_view line, uint64_t sequence) { return {sequence, HexSha256(line)}; }

LogTail::LogTail(std::string text, off_t offset) : text_(std::move(text)), offset_(offset) {
  absl::string_view rest = text_;
  if (offset > 0) {
    // What begins before the part that was read is of no use.
    const size_t end = std::min(rest.find('\n'), rest.size() - 1);
    rest.remove_prefix(end + 1);
  }
  for (size_t end = rest.find('\n'); end != absl::string_view::npos; end = rest.find('\n')) {
    lines_.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  unfinished_ = rest;
}

absl::StatusOr<std::unique_ptr<LogTail>> LogTail::Read(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, "stat");
  std::string text(static_cast<size_t>(std::min(info.st_size, kTailBytes)), '\0');
  const off_t offset = info.st_size - static_cast<off_t>(text.size());
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t count =
        pread(fd, text.data() + done, text.size() - done, offset + static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return absl::ErrnoToStatus(count < 0 ? errno : EIO, "read");
    done += static_cast<size_t>(count);
  }
  return std::unique_ptr<LogTail>(new LogTail(std::move(text), offset));
}

absl::StatusOr<std::unique_ptr<LogTail>> LogTail::ReadFile(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (fd.get() < 0) return Annotate(absl::ErrnoToStatus(errno, "open"), path);
  absl::StatusOr<std::unique_ptr<LogTail>> tail = Read(fd.get());
  RETURN_IF_ERROR(Annotate(tail.status(), path));
  return tail;
}

off_t LogTail::unfinished_offset() const {
  return offset_ + static_cast<off_t>(text_.size() - unfinished_.size());
}

bool LogTail::IsLinked(size_t index) const {
  const std::optional<LineStart> start = ParseRecord(lines_[index]);
  if (!start) return false;
  if (index == 0) return true;
  const std::optional<LineStart> before = ParseLineStart(lines_[index - 1]);
  return before && before->sequence + 1 == start->sequence &&
         HexSha256(lines_[index - 1]) == start->previous;
}

absl::StatusOr<ChainLink> LogTail::CheckEnd() const {
  if (!IsLinked(lines_.size() - 1)) return Corrupt();
  return LinkOf(lines_.back(), ParseLineStart(lines_.back())->sequence);
}

absl::Status LogTail::Corrupt() const {
  size_t good = lines_.size() - 1;
  while (good > 0 && !IsLinked(good - 1)) --good;
  if (good == 0) {
    return absl::FailedPreconditionError(
        "is no audit log, or none of the records at its end is intact; move the file away, keep it "
        "as evidence, and put back a copy that is intact or begin a new log");
  }
  const absl::string_view last = lines_[good - 1];
  const off_t end = offset_ + (last.data() + last.size() + 1 - text_.data());
  return absl::FailedPreconditionError(absl::StrCat(
      "does not end in records that belong together: record ", ParseLineStart(last)->sequence,
      ", which ends at byte ", end,
      ", is the last one in order; keep a copy of the file as evidence, cut it off there "
      "(truncate -s ",
      end, "), and start again"));
}

std::optional<LogTail::Vouched> LogTail::LastCheckpoint() const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    const std::optional<LineStart> start = ParseLineStart(*line);
    if (!start || start->method != kCheckpointMethod) continue;
    if (std::optional<Vouched> vouched = ParseCheckpoint(*line)) return vouched;
  }
  return std::nullopt;
}

uint64_t LogTail::LastContent() const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line) {
    const std::optional<LineStart> start = ParseLineStart(*line);
    if (start && start->method != kCheckpointMethod) return start->sequence;
  }
  return 0;
}

}  // namespace keyward::signer
