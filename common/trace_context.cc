#include "common/trace_context.h"

#include <algorithm>
#include <cstddef>

namespace keyward {
namespace {

// "00-" trace-id "-" parent-id "-" flags.
constexpr size_t kTraceIdAt = 3;
constexpr size_t kTraceIdDigits = 32;
constexpr size_t kParentIdAt = kTraceIdAt + kTraceIdDigits + 1;
constexpr size_t kParentIdDigits = 16;
constexpr size_t kFlagsAt = kParentIdAt + kParentIdDigits + 1;
constexpr size_t kVersion00Bytes = kFlagsAt + 2;

// HEXDIGLC of the specification: lower case only.
bool IsHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool IsHex(absl::string_view text) { return std::all_of(text.begin(), text.end(), IsHexDigit); }

bool IsId(absl::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != absl::string_view::npos;
}

uint8_t ValueOf(char digit) {
  return static_cast<uint8_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

}  // namespace

std::optional<Traceparent> ParseTraceparent(absl::string_view value) {
  if (value.size() < kVersion00Bytes) return std::nullopt;
  const absl::string_view version = value.substr(0, 2);
  // Version ff is forbidden.
  if (!IsHex(version) || version == "ff") return std::nullopt;
  if (value.size() > kVersion00Bytes && (version == "00" || value[kVersion00Bytes] != '-')) {
    return std::nullopt;
  }
  const absl::string_view trace_id = value.substr(kTraceIdAt, kTraceIdDigits);
  const absl::string_view parent_id = value.substr(kParentIdAt, kParentIdDigits);
  const absl::string_view flags = value.substr(kFlagsAt, 2);
  if (value[kTraceIdAt - 1] != '-' || !IsId(trace_id) || value[kParentIdAt - 1] != '-' ||
      !IsId(parent_id) || value[kFlagsAt - 1] != '-' || !IsHex(flags)) {
    return std::nullopt;
  }
  return Traceparent{.trace_id = std::string(trace_id),
                     .parent_id = std::string(parent_id),
                     .flags = static_cast<uint8_t>(ValueOf(flags[0]) << 4 | ValueOf(flags[1]))};
}

}  // namespace keyward
