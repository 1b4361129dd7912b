#include "signer/audit/audit_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/status_macros.h"
#include "signer/audit/file_names.h"
#include "signer/audit/line_reader.h"

namespace keyward::signer {
namespace {

// Small reads while a place is looked for, and for `tail --follow`, which asks for little.
constexpr size_t kBufferBytes = 2 * kMaxLineBytes;
// Below this, reading on is cheaper than halving.
constexpr int64_t kReadOnBytes = kMaxLineBytes;

absl::Status Unreadable(absl::string_view what) {
  return Error(absl::StatusCode::kUnavailable, "AUDIT_FILE_UNREADABLE", what);
}

struct Segment {
  std::string path;
  // Of its first record.
  uint64_t first_sequence = 0;
  // Only of the file that is being written: it may get another name at any time.
  std::unique_ptr<UniqueFd> fd;
};

// A whole record, and where it begins.
struct Found {
  LineReader::Line line;
  LineStart start;
};

// The next record that `reader` comes to before `end`.
absl::StatusOr<std::optional<Found>> NextRecord(LineReader& reader, int64_t end) {
  while (true) {
    ASSIGN_OR_RETURN(const LineReader::Line line, reader.Next());
    if (line.kind == LineReader::Kind::kEnd || line.kind == LineReader::Kind::kUnfinished ||
        line.offset >= end) {
      return std::nullopt;
    }
    const auto start = ParseLineStart(line.text);
    if (line.kind == LineReader::Kind::kLine && start) return Found{line, *start};
  }
}

absl::StatusOr<int64_t> SizeOf(const LineReader& reader) {
  struct stat status {};
  if (fstat(reader.fd(), &status) != 0) return Unreadable("an audit file cannot be examined");
  return int64_t{status.st_size};
}

// Leaves `reader` before the first record whose number is greater than `after`, or before
// few that are not.
absl::Status SeekBehind(LineReader& reader, uint64_t after) {
  int64_t low = 0;
  ASSIGN_OR_RETURN(int64_t high, SizeOf(reader));
  while (high - low > kReadOnBytes) {
    const int64_t middle = low + (high - low) / 2;
    reader.Seek(middle);
    // Most likely the rest of a line.
    ASSIGN_OR_RETURN(const LineReader::Line rest, reader.Next());
    if (rest.kind != LineReader::Kind::kLine && rest.kind != LineReader::Kind::kTooLong) {
      high = middle;
      continue;
    }
    ASSIGN_OR_RETURN(const auto record, NextRecord(reader, high));
    if (record && record->start.sequence <= after) {
      low = record->line.offset;
    } else {
      high = middle;
    }
  }
  reader.Seek(low);
  return absl::OkStatus();
}

// Nothing where it is no longer there: files may be taken away to an archive.
absl::StatusOr<std::optional<LineReader>> OpenSegment(Segment& segment) {
  if (segment.fd) return LineReader(segment.path, std::move(*segment.fd), kBufferBytes);
  absl::StatusOr<UniqueFd> fd = OpenForReading(segment.path);
  if (fd.ok()) return LineReader(segment.path, *std::move(fd), kBufferBytes);
  if (access(segment.path.c_str(), F_OK) != 0) return std::nullopt;
  return fd.status();
}

// The log's files in their order. The one that is written is opened before the others are
// listed: where it is closed and renamed meanwhile, it is in both, and counts once.
absl::StatusOr<std::vector<Segment>> ListSegments(const std::string& file) {
  std::optional<Segment> active;
  absl::StatusOr<UniqueFd> fd = OpenForReading(file);
  if (fd.ok()) {
    LineReader reader(file, *std::move(fd), kBufferBytes);
    ASSIGN_OR_RETURN(const auto first, NextRecord(reader, std::numeric_limits<int64_t>::max()));
    if (first) {
      active.emplace(
          Segment{file, first->start.sequence, std::make_unique<UniqueFd>(reader.TakeFd())});
    }
  }
  ASSIGN_OR_RETURN(const std::vector<NumberedFile> closed, FindClosedFiles(file));
  // Between two files there is a moment without one that is being written.
  if (!fd.ok() && closed.empty()) return fd.status();
  std::vector<Segment> segments;
  for (const NumberedFile& numbered : closed) {
    if (active && numbered.sequence == active->first_sequence) continue;
    segments.push_back({numbered.path, numbered.sequence, nullptr});
  }
  if (active) {
    // Closed ones that are newer were written since it was opened.
    const auto place = std::find_if(segments.begin(), segments.end(), [&](const Segment& segment) {
      return segment.first_sequence > active->first_sequence;
    });
    segments.insert(place, *std::move(active));
  }
  return segments;
}

// Whether `file` is no longer the one that was read last: there is another behind it.
bool WasRenamed(const std::string& file, const struct stat& read_last) {
  struct stat now {};
  return stat(file.c_str(), &now) != 0 || now.st_ino != read_last.st_ino ||
         now.st_dev != read_last.st_dev;
}

// Records of one file from the front.
class ForwardScan {
 public:
  ForwardScan(const ReadRange& range, TakeRecord take)
      : range_(range), take_(take), last_sequence_(range.after_sequence) {}

  // Whether to go on with the next file.
  absl::StatusOr<bool> Scan(LineReader& reader) {
    while (true) {
      ASSIGN_OR_RETURN(const auto record, NextRecord(reader, std::numeric_limits<int64_t>::max()));
      if (!record) return true;
      const uint64_t sequence = record->start.sequence;
      looked_at_ += static_cast<int64_t>(record->line.text.size());
      if (sequence > range_.up_to_sequence) {
        at_end_ = true;
        return false;
      }
      if (sequence > last_sequence_) {
        last_sequence_ = sequence;
        if (!take_(record->line.text, record->start)) return false;
      }
      if (looked_at_ >= range_.max_bytes) return false;
    }
  }

  ReadEnd End(bool at_end) const { return {last_sequence_, at_end || at_end_}; }

 private:
  const ReadRange& range_;
  const TakeRecord take_;
  uint64_t last_sequence_;
  int64_t looked_at_ = 0;
  bool at_end_ = false;
};

// Records of one file from its end.
class BackwardScan {
 public:
  BackwardScan(const ReadRange& range, TakeRecord take) : range_(range), take_(take) {}

  // Whether to go on with the file before.
  absl::StatusOr<bool> Scan(LineReader& reader) {
    ASSIGN_OR_RETURN(int64_t high, SizeOf(reader));
    while (high > 0) {
      const int64_t low = std::max<int64_t>(0, high - kChunkBytes);
      reader.Seek(low);
      if (low > 0) RETURN_IF_ERROR(reader.Next().status());
      std::vector<std::string> lines;
      int64_t begin = low;
      while (true) {
        ASSIGN_OR_RETURN(const auto record, NextRecord(reader, high));
        if (!record) break;
        if (lines.empty()) begin = record->line.offset;
        lines.emplace_back(record->line.text);
      }
      if (!TakeAll(lines)) return false;
      looked_at_ += high - low;
      if (looked_at_ >= range_.max_bytes) {
        cut_off_ = true;
        return false;
      }
      // The line that the chunk began in the middle of is in the next one.
      high = low > 0 ? begin : 0;
    }
    return true;
  }

  ReadEnd End() const { return {last_sequence_, !cut_off_}; }

 private:
  static constexpr int64_t kChunkBytes = 4 * kMaxLineBytes;

  bool TakeAll(const std::vector<std::string>& lines) {
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
      const auto start = ParseLineStart(*line);
      if (!start || start->sequence > range_.up_to_sequence) continue;
      if (start->sequence <= range_.after_sequence) return false;
      last_sequence_ = std::max(last_sequence_, start->sequence);
      if (!take_(*line, *start)) return false;
    }
    return true;
  }

  const ReadRange& range_;
  const TakeRecord take_;
  uint64_t last_sequence_ = 0;
  int64_t looked_at_ = 0;
  bool cut_off_ = false;
};

}  // namespace

absl::StatusOr<ReadEnd> AuditReader::Read(const ReadRange& range, TakeRecord take) const {
  ASSIGN_OR_RETURN(std::vector<Segment> segments, ListSegments(file_));
  // The last one that begins at or before the first record that is asked for.
  size_t first = 0;
  while (first + 1 < segments.size() &&
         segments[first + 1].first_sequence - 1 <= range.after_sequence) {
    ++first;
  }
  ForwardScan scan(range, take);
  struct stat read_last {};
  for (size_t i = first; i < segments.size(); ++i) {
    ASSIGN_OR_RETURN(std::optional<LineReader> reader, OpenSegment(segments[i]));
    if (!reader) continue;
    if (i == first) RETURN_IF_ERROR(SeekBehind(*reader, range.after_sequence));
    (void)fstat(reader->fd(), &read_last);
    ASSIGN_OR_RETURN(const bool go_on, scan.Scan(*reader));
    if (!go_on) return scan.End(/*at_end=*/false);
  }
  return scan.End(/*at_end=*/segments.empty() || !WasRenamed(file_, read_last));
}

absl::StatusOr<ReadEnd> AuditReader::ReadBackwards(const ReadRange& range, TakeRecord take) const {
  ASSIGN_OR_RETURN(std::vector<Segment> segments, ListSegments(file_));
  BackwardScan scan(range, take);
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    ASSIGN_OR_RETURN(std::optional<LineReader> reader, OpenSegment(*segment));
    if (!reader) continue;
    ASSIGN_OR_RETURN(const bool go_on, scan.Scan(*reader));
    if (!go_on) break;
  }
  return scan.End();
}

}  // namespace keyward::signer
