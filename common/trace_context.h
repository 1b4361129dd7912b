// W3C Trace Context: which distributed trace a call belongs to
// (https://www.w3.org/TR/trace-context/).
#ifndef KEYWARD_COMMON_TRACE_CONTEXT_H_
#define KEYWARD_COMMON_TRACE_CONTEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace keyward {

// The name of the header, and of gRPC's metadata.
inline constexpr char kTraceparentHeader[] = "traceparent";

struct Traceparent {
  // 32 lower-case hexadecimal digits, not all zero.
  std::string trace_id;
  // 16 lower-case hexadecimal digits, not all zero: the caller's span.
  std::string parent_id;
  // Bit 0 is "sampled"; the others of versions above 00 mean what that version says.
  uint8_t flags = 0;
};

// Reads the value of a traceparent header, version 00 or higher. Of a higher version
// only what version 00 has is read, as section 3.2.4 asks, whatever follows behind a
// further dash. Nothing where it is malformed: such a header is ignored, section 3.2.2.
// Thread-safe.
std::optional<Traceparent> ParseTraceparent(absl::string_view value);

}  // namespace keyward

#endif  // KEYWARD_COMMON_TRACE_CONTEXT_H_
