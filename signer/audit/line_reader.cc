#include "signer/audit/line_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "signer/audit/audit_line.h"

namespace keyward::signer {
namespace {

// How much of a line that is too long is shown as its text.
constexpr size_t kShownBytes = 256;

absl::Status UnreadableFile(const std::string& path, int error) {
  return Error(absl::StatusCode::kUnavailable, "AUDIT_FILE_UNREADABLE",
               absl::StrCat(path, " cannot be read: ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<UniqueFd> OpenForReading(const std::string& path) {
  // Not a pipe that nobody writes to.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return UnreadableFile(path, errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return UnreadableFile(path, errno);
  if (!S_ISREG(status.st_mode)) return UnreadableFile(path, S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
  return fd;
}

LineReader::LineReader(std::string path, UniqueFd fd, size_t buffer_bytes)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      buffer_(std::max(buffer_bytes, kMaxLineBytes + kShownBytes)) {}

void LineReader::Seek(int64_t offset) {
  offset_ = offset;
  begin_ = end_ = 0;
}

absl::StatusOr<bool> LineReader::Fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (true) {
    const ssize_t got = pread(fd_.get(), buffer_.data() + end_, buffer_.size() - end_,
                              offset_ + static_cast<int64_t>(end_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return UnreadableFile(path_, errno);
    end_ += static_cast<size_t>(got);
    return got > 0;
  }
}

LineReader::Line LineReader::Take(Kind kind, size_t size, size_t with_end) {
  const Line line{kind, absl::string_view(buffer_.data() + begin_, size), offset_};
  begin_ += with_end;
  offset_ += static_cast<int64_t>(with_end);
  return line;
}

absl::StatusOr<LineReader::Line> LineReader::Next() {
  size_t searched = 0;
  while (true) {
    const char* from = buffer_.data() + begin_;
    const size_t available = end_ - begin_;
    const void* found = std::memchr(from + searched, '\n', available - searched);
    if (found != nullptr) {
      const size_t size = static_cast<size_t>(static_cast<const char*>(found) - from);
      if (size > kMaxLineBytes) return SkipTooLong();
      return Take(Kind::kLine, size, size + 1);
    }
    if (available > kMaxLineBytes) return SkipTooLong();
    searched = available;
    ASSIGN_OR_RETURN(const bool more, Fill());
    if (more) continue;
    if (available == 0) return Line{Kind::kEnd, {}, offset_};
    return Take(Kind::kUnfinished, available, available);
  }
}

absl::StatusOr<LineReader::Line> LineReader::SkipTooLong() {
  const int64_t start = offset_;
  too_long_.assign(buffer_.data() + begin_, kShownBytes);
  while (true) {
    const char* from = buffer_.data() + begin_;
    const size_t available = end_ - begin_;
    const auto* found = static_cast<const char*>(std::memchr(from, '\n', available));
    const size_t used = found == nullptr ? available : static_cast<size_t>(found - from) + 1;
    begin_ += used;
    offset_ += static_cast<int64_t>(used);
    if (found != nullptr) break;
    ASSIGN_OR_RETURN(const bool more, Fill());
    if (!more) break;
  }
  return Line{Kind::kTooLong, too_long_, start};
}

}  // namespace keyward::signer
