#include "signer/audit/json_text.h"

#include <cstddef>
#include <cstdint>

namespace keyward::signer {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr char32_t kReplacement = 0xfffd;

bool IsPlain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

void AppendUnit(uint32_t unit, std::string& json) {
  const char escape[] = {
      '\\',           'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
      kHex[unit & 15]};
  json.append(escape, sizeof escape);
}

// RFC 8259 section 7: beyond the Basic Multilingual Plane as two UTF-16 units.
void AppendEscaped(char32_t point, std::string& json) {
  switch (point) {
    case '"':
      json += "\\\"";
      return;
    case '\\':
      json += "\\\\";
      return;
    case '\n':
      json += "\\n";
      return;
    case '\r':
      json += "\\r";
      return;
    case '\t':
      json += "\\t";
      return;
    default:
      break;
  }
  if (point < 0x10000) return AppendUnit(point, json);
  AppendUnit(0xd800 + ((point - 0x10000) >> 10), json);
  AppendUnit(0xdc00 + ((point - 0x10000) & 0x3ff), json);
}

// Takes the first character off `text`, which is not empty; where there is none, one byte.
char32_t TakeCharacter(absl::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xc2 ? 0
                        : first < 0xe0 ? 2
                        : first < 0xf0 ? 3
                        : first < 0xf5 ? 4
                                       : 0;
  char32_t point = length == 1   ? first
                   : length == 0 ? kReplacement
                                 : first & (0xff >> (length + 1));
  size_t taken = 1;
  for (; taken < length; ++taken) {
    if (taken >= text.size() || (byte(taken) & 0xc0) != 0x80) break;
    point = point << 6 | (byte(taken) & 0x3f);
  }
  // The table of RFC 3629 section 4: no overlong forms, surrogates or more than U+10FFFF.
  const bool bad = taken < length || (length == 3 && point < 0x800) ||
                   (length == 4 && (point < 0x10000 || point > 0x10ffff)) ||
                   (point >= 0xd800 && point <= 0xdfff);
  text.remove_prefix(bad || length == 0 ? 1 : length);
  return bad ? kReplacement : point;
}

}  // namespace

void AppendJsonText(absl::string_view text, std::string& json) {
  json += '"';
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && IsPlain(text[plain])) ++plain;
    json.append(text.data(), plain);
    text.remove_prefix(plain);
    if (!text.empty()) AppendEscaped(TakeCharacter(text), json);
  }
  json += '"';
}

}  // namespace keyward::signer
