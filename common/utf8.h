// Checks of text that callers and operators send.
#ifndef KEYWARD_COMMON_UTF8_H_
#define KEYWARD_COMMON_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace keyward {

// Whether `text` is well-formed UTF-8 (RFC 3629 section 4): no overlong forms,
// no surrogates, nothing above U+10FFFF.
bool IsValidUtf8(absl::string_view text);

// Whether well-formed `text` holds a character of Unicode's category Cc:
// U+0000 to U+001F and U+007F to U+009F.
bool HasControlCharacter(absl::string_view text);

// `text` for a terminal: '?' in place of each byte that is not well-formed UTF-8 and of each
// character that plays with what shows it: those of HasControlCharacter(), and the ones that change
// the direction of text (Unicode's Bidi_Control).
std::string Printable(absl::string_view text);

// The same for well-formed JSON, which goes on meaning the same: such characters of its strings
// are written as "\u009b".
std::string PrintableJson(absl::string_view json);

// `text` in a form that is safe inside a sentence: what is not printable ASCII
// is escaped, and what goes beyond `max_bytes` of the input is cut off with "...".
std::string Shown(absl::string_view text, size_t max_bytes = 64);

}  // namespace keyward

#endif  // KEYWARD_COMMON_UTF8_H_
