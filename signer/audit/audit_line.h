// One line of the audit log as it stands in a file: what every record begins with.
#ifndef KEYWARD_SIGNER_AUDIT_AUDIT_LINE_H_
#define KEYWARD_SIGNER_AUDIT_AUDIT_LINE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace keyward::signer {

// No record is longer; a line that is, is none. Without its end.
inline constexpr size_t kMaxLineBytes = 65536;

// `previous` of the first record ever.
inline constexpr absl::string_view kNoPrevious =
    "0000000000000000000000000000000000000000000000000000000000000000";

// What the log writes of itself: first record of each file, and a signature of the audit
// key. With outcome "refused" the latter says that there is none.
inline constexpr absl::string_view kOpenFileMethod = "OpenFile";
inline constexpr absl::string_view kCheckpointMethod = "Checkpoint";

// The members at the start of each record, in the order in which the format (docs/audit.md)
// has them. Views into the line.
struct LineStart {
  uint64_t sequence = 0;
  // 64 lower-case hexadecimal digits.
  absl::string_view previous;
  // "2026-01-31T12:00:00.123456Z".
  absl::string_view time;
  absl::string_view method;
  absl::string_view outcome;
};

// Reads the start of `line`, which has no line end; the rest of it is not looked at, save
// that it ends with "}". Nothing where it does not begin as a record does, to the byte.
// Allocates nothing.
std::optional<LineStart> ParseLineStart(absl::string_view line);

// The time of a record, nothing where it is malformed.
std::optional<absl::Time> ParseLineTime(absl::string_view time);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_AUDIT_AUDIT_LINE_H_
