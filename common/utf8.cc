#include "common/utf8.h"

#include <cstdint>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace keyward {
namespace {

uint8_t ByteAt(absl::string_view text, size_t index) { return static_cast<uint8_t>(text[index]); }

// Length in bytes of the sequence that `text` starts with, 0 if it is not a
// well-formed one. The bounds are those of RFC 3629 section 4, UTF8-octets.
size_t SequenceLength(absl::string_view text) {
  const uint8_t lead = ByteAt(text, 0);
  if (lead < 0x80) return 1;
  const size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  const uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (ByteAt(text, 1) < lowest || ByteAt(text, 1) > highest) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((ByteAt(text, i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

struct Piece {
  absl::string_view bytes;
  // Nothing where they are a byte of no well-formed sequence.
  std::optional<char32_t> code_point;
};

// Cuts the first character off `text`, which is not empty.
Piece TakePiece(absl::string_view& text) {
  const size_t length = SequenceLength(text);
  const Piece bad{text.substr(0, 1), std::nullopt};
  const absl::string_view bytes = text.substr(0, length);
  text.remove_prefix(length == 0 ? 1 : length);
  if (length == 0) return bad;
  // The lead byte of a longer sequence has its length as ones, and a zero.
  char32_t code_point = ByteAt(bytes, 0) & (length == 1 ? 0x7F : 0x7F >> length);
  for (size_t i = 1; i < length; ++i) code_point = code_point << 6 | (ByteAt(bytes, i) & 0x3F);
  return {bytes, code_point};
}

// Unicode's category Cc.
bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

// Unicode's property Bidi_Control.
bool IsBidiControl(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

bool IsValidUtf8(absl::string_view text) {
  while (!text.empty()) {
    if (!TakePiece(text).code_point) return false;
  }
  return true;
}

bool HasControlCharacter(absl::string_view text) {
  while (!text.empty()) {
    const Piece piece = TakePiece(text);
    if (piece.code_point && IsControl(*piece.code_point)) return true;
  }
  return false;
}

std::string Printable(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const Piece piece = TakePiece(text);
    const bool is_good =
        piece.code_point && !IsControl(*piece.code_point) && !IsBidiControl(*piece.code_point);
    absl::StrAppend(&printable, is_good ? piece.bytes : "?");
  }
  return printable;
}

std::string PrintableJson(absl::string_view json) {
  std::string printable;
  while (!json.empty()) {
    const Piece piece = TakePiece(json);
    const char32_t c = piece.code_point.value_or(U'?');
    // Those below are white space between values; in strings they are escaped already.
    if (c >= 0x7F && (IsControl(c) || IsBidiControl(c))) {
      absl::StrAppend(&printable, "\\u", absl::Hex(static_cast<uint32_t>(c), absl::kZeroPad4));
    } else {
      absl::StrAppend(&printable, piece.code_point ? piece.bytes : "?");
    }
  }
  return printable;
}

std::string Shown(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return absl::CHexEscape(text);
  return absl::StrCat(absl::CHexEscape(text.substr(0, max_bytes)), "...");
}

}  // namespace keyward
