#include "common/utf8.h"

#include <gtest/gtest.h>

namespace keyward {
namespace {

TEST(Utf8Test, AcceptsTheEndsOfEveryRange) {
  for (const char* text :
       {"", "a\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsValidUtf8(text)) << Shown(text);
  }
}

TEST(Utf8Test, RefusesWhatRfc3629Forbids) {
  for (const char* text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE1\x80",
        "\xE1\x80\xC0", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF1\x80\x80", "\xF1\x80\x80\x00", "\xF5\x80\x80\x80", "\xFE", "\xFF", "ok\xFF"}) {
    EXPECT_FALSE(IsValidUtf8(text)) << Shown(text);
  }
}

TEST(Utf8Test, FindsControlCharacters) {
  for (const char* text : {"\x01", "a\tb", "a\x1f", "a\x7f", "\xC2\x80", "x\xC2\x9F"}) {
    EXPECT_TRUE(HasControlCharacter(text)) << Shown(text);
  }
  EXPECT_TRUE(HasControlCharacter(absl::string_view("a\0b", 3)));
  for (const char* text : {"", "a b", "\xC2\xA0", "\xC3\x80", "\xE2\x80\x8B"}) {
    EXPECT_FALSE(HasControlCharacter(text)) << Shown(text);
  }
}

TEST(Utf8Test, PrintsNothingThatPlaysWithTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2J\n\x7f"), "a?[2J??");
  EXPECT_EQ(Printable("\xC2\x80|\xC2\x9B|\xC2\x9F"), "?|?|?");
  for (const char* bidi : {"\u061C", "\u200E", "\u200F", "\u202A", "\u202E", "\u2066", "\u2069"}) {
    EXPECT_EQ(Printable(bidi), "?") << Shown(bidi);
  }
  // A byte each: half a character, C1 as a byte, and an overlong newline.
  EXPECT_EQ(Printable("\xE2\x80|\x9B|\xC0\x8A"), "??|?|??");
  const char* fine = "caf\u00E9 \u00A0 \u200D \u2029 \u202F \u2065 \u206A \u65E5 \U0001F511";
  EXPECT_EQ(Printable(fine), fine);
  EXPECT_EQ(Printable(absl::string_view("\0", 1)), "?");
}

TEST(Utf8Test, JsonIsPrintedAndMeansTheSame) {
  EXPECT_EQ(PrintableJson("{\n \"a\": \"\xC2\x9B\x7F\u202E\u00E9\\n\"\n}"),
            "{\n \"a\": \"\\u009b\\u007f\\u202e\u00E9\\n\"\n}");
}

TEST(Utf8Test, ShowsOnlyPrintableAsciiAndNotTooMuch) {
  EXPECT_EQ(Shown("plain"), "plain");
  EXPECT_EQ(Shown("a\n\xFF\""), "a\\n\\xff\\\"");
  EXPECT_EQ(Shown(std::string(64, 'a')), std::string(64, 'a'));
  EXPECT_EQ(Shown(std::string(65, 'a')), std::string(64, 'a') + "...");
  EXPECT_EQ(Shown("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace keyward
