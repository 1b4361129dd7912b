// Reads records by their number from a log that is being written.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_READER_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_READER_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "signer/audit/audit_line.h"

namespace keyward::signer {

// Called with a whole record, without its line end; false ends the reading behind it.
using TakeRecord = absl::FunctionRef<bool(absl::string_view line, const LineStart& start)>;

struct ReadRange {
  // Records with greater numbers …
  uint64_t after_sequence = 0;
  // … up to this one: what is written but not yet on the disk may still vanish.
  uint64_t up_to_sequence = std::numeric_limits<uint64_t>::max();
  // No further line is begun once so many bytes were looked at.
  int64_t max_bytes = 4 << 20;
};

struct ReadEnd {
  // The number of the last record that was looked at; `after_sequence` where none was.
  uint64_t last_sequence = 0;
  // Whether it was the last there is for now, within the range.
  bool at_end = false;
};

// Looks at the directory anew with every call, so that files may come and go between two
// calls and a file that is closed and renamed during one is read to its end. Opens files
// for reading only. Thread-safe.
class AuditReader {
 public:
  // `file` is the one being written; the closed ones stand beside it.
  explicit AuditReader(std::string file) : file_(std::move(file)) {}

  // Gives `take` the records of `range` in their order. Lines that are no records are
  // passed over: verification is another's business. The place in a file is found by
  // halving it. Errors: UNAVAILABLE AUDIT_FILE_UNREADABLE.
  absl::StatusOr<ReadEnd> Read(const ReadRange& range, TakeRecord take) const;

  // Gives `take` the records from the last one backwards, newest first, until it returns
  // false, the log's beginning, or `range.max_bytes`.
  absl::StatusOr<ReadEnd> ReadBackwards(const ReadRange& range, TakeRecord take) const;

 private:
  const std::string file_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_READER_H_
