#include "signer/audit/audit_line.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace keyward::signer {
namespace {

std::string Line() {
  return absl::StrCat(R"({"sequence":12,"previous":")", kNoPrevious,
                      R"(","time":"2026-01-31T12:00:00.123456Z","method":"Sign","outcome":"done")",
                      R"(,"identity":"cn:a"})");
}

TEST(AuditLineTest, ReadsTheStart) {
  const std::string line = Line();
  const auto start = ParseLineStart(line);
  ASSERT_TRUE(start.has_value());
  EXPECT_EQ(start->sequence, 12U);
  EXPECT_EQ(start->previous, kNoPrevious);
  EXPECT_EQ(start->time, "2026-01-31T12:00:00.123456Z");
  EXPECT_EQ(start->method, "Sign");
  EXPECT_EQ(start->outcome, "done");
  EXPECT_EQ(ParseLineTime(start->time), absl::FromUnixMicros(1769860800123456));
}

TEST(AuditLineTest, ReadsARecordOfNothingElse) {
  const std::string line = absl::StrReplaceAll(Line(), {{R"(,"identity":"cn:a")", ""}});
  EXPECT_TRUE(ParseLineStart(line).has_value());
  EXPECT_FALSE(ParseLineStart(line + "x").has_value());
}

TEST(AuditLineTest, TakesOneSpellingOnly) {
  for (const auto& [from, to] :
       std::initializer_list<std::pair<const char*, const char*>>{{"12", "012"},
                                                                  {"12", "-12"},
                                                                  {"12", "1.2"},
                                                                  {"12", "0"},
                                                                  {"12", ""},
                                                                  {"12", "18446744073709551616"},
                                                                  {"{\"", "{ \""},
                                                                  {"0\",\"time", "\",\"time"},
                                                                  {"0\",\"time", "A\",\"time"},
                                                                  {"123456Z", "123456"},
                                                                  {"123456Z", "12345Z"},
                                                                  {"T12", " 12"},
                                                                  {"\"Sign\"", "\"\""},
                                                                  {"\"Sign\"", "\"Si gn\""},
                                                                  {"\"done\"", "\"don\""},
                                                                  {"\"done\"", "\"done\" "},
                                                                  {"\"}", "\"} "},
                                                                  {"\"}", "\""},
                                                                  {"sequence", "Sequence"}}) {
    const std::string line = absl::StrReplaceAll(Line(), {{from, to}});
    ASSERT_NE(line, Line()) << from;
    EXPECT_FALSE(ParseLineStart(line).has_value()) << line;
  }
  EXPECT_FALSE(ParseLineStart("").has_value());
  for (size_t size = 0; size < Line().size(); ++size) {
    EXPECT_FALSE(ParseLineStart(Line().substr(0, size)).has_value()) << size;
  }
}

}  // namespace
}  // namespace keyward::signer
