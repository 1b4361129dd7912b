// A file's lines one after the other, in memory that does not grow with it.
#ifndef KEYWARD_SIGNER_AUDIT_LINE_READER_H_
#define KEYWARD_SIGNER_AUDIT_LINE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/unique_fd.h"

namespace keyward::signer {

// Opens `path`, a regular file, for reading. UNAVAILABLE AUDIT_FILE_UNREADABLE, naming it.
absl::StatusOr<UniqueFd> OpenForReading(const std::string& path);

// Not thread-safe.
class LineReader {
 public:
  enum class Kind : uint8_t {
    kLine,        // up to a line end
    kTooLong,     // longer than kMaxLineBytes; `text` is its beginning
    kUnfinished,  // what stands behind the last line end
    kEnd,         // nothing more
  };
  struct Line {
    Kind kind = Kind::kEnd;
    // Without its line end; valid until the next call.
    absl::string_view text;
    // Where it begins in the file.
    int64_t offset = 0;
  };

  // Reads `fd` from its beginning; `path` is for messages.
  LineReader(std::string path, UniqueFd fd, size_t buffer_bytes = kBufferBytes);
  LineReader(LineReader&&) = default;

  // Large enough that the calls to read(2) do not show beside hashing.
  static constexpr size_t kBufferBytes = 1 << 20;

  // The next line. UNAVAILABLE AUDIT_FILE_UNREADABLE.
  absl::StatusOr<Line> Next();

  // Goes on at `offset`, which should be where a line begins.
  void Seek(int64_t offset);

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  // For the caller to keep the file open without the buffer.
  UniqueFd TakeFd() { return std::move(fd_); }

 private:

  // Reads on, behind what of the buffer is not used yet. False at the file's end.
  absl::StatusOr<bool> Fill();
  Line Take(Kind kind, size_t size, size_t with_end);
  absl::StatusOr<Line> SkipTooLong();

  std::string path_;
  UniqueFd fd_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  // Of buffer_[begin_] in the file.
  int64_t offset_ = 0;
  // The beginning of the last line that was too long.
  std::string too_long_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_LINE_READER_H_
