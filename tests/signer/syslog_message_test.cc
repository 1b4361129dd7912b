#include "signer/audit/syslog_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const SyslogSource kSource = {.host = "host", .process = "4711"};

constexpr char kDone[] =
    R"({"sequence":7,"previous":"00","time":"2026-01-02T03:04:05.678901234Z","method":"Sign","outcome":"done"})";

TEST(SyslogMessageTest, IsTheFormatOfRfc5424) {
  EXPECT_EQ(
      SyslogMessage(kDone, kSource),
      absl::StrCat("<85>1 2026-01-02T03:04:05.678901Z host keyward-signer 4711 audit - ", kDone));
}

TEST(SyslogMessageTest, ARefusalIsAWarning) {
  const std::string refused =
      R"({"sequence":7,"time":"2026-01-02T03:04:05Z","method":"Sign","outcome":"refused"})";
  EXPECT_THAT(SyslogMessage(refused, kSource), HasSubstr("<84>1 2026-01-02T03:04:05.000000Z "));
  // The words as a caller's value.
  const std::string quoted =
      R"({"sequence":7,"time":"2026-01-02T03:04:05Z","method":"Sign","outcome":"done","subject":"\",\"outcome\":\"refused\""})";
  EXPECT_THAT(SyslogMessage(quoted, kSource), HasSubstr("<85>1 "));
}

TEST(SyslogMessageTest, WithoutATimeThereIsADash) {
  for (const char* line : {"{}", "", R"({"sequence":1,"time":"yesterday"})"}) {
    const std::string message = SyslogMessage(line, kSource);
    EXPECT_EQ(message, absl::StrCat("<85>1 - host keyward-signer 4711 audit - ", line));
  }
}

TEST(SyslogMessageTest, OnlyWhatIsNotAsciiHasAByteOrderMark) {
  EXPECT_THAT(SyslogMessage(kDone, kSource), Not(HasSubstr("\xEF\xBB\xBF")));
  EXPECT_THAT(SyslogMessage("\xC3\xA4", kSource), HasSubstr(" audit - \xEF\xBB\xBF\xC3\xA4"));
}

TEST(SyslogMessageTest, TheLengthIsInOctets) {
  EXPECT_EQ(OctetCounted("\xC3\xA4"), "2 \xC3\xA4");
  EXPECT_EQ(OctetCounted(""), "0 ");
}

TEST(SyslogMessageTest, TheJournalGetsFields) {
  const std::string line = kDone;
  std::string length(8, '\0');
  length[0] = static_cast<char>(line.size());
  EXPECT_EQ(JournalEntry(line, kSource),
            absl::StrCat("MESSAGE\n", length, line,
                         "\nPRIORITY=5\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=keyward-signer\n"
                         "SYSLOG_PID=4711\nKEYWARD_SEQUENCE=7\n"));
  EXPECT_THAT(JournalEntry("{}", kSource), Not(HasSubstr("KEYWARD_SEQUENCE")));
}

TEST(SyslogMessageTest, TheSourceIsThisProcess) {
  const SyslogSource local = SyslogSource::Local();
  EXPECT_EQ(local.process, absl::StrCat(getpid()));
  EXPECT_FALSE(local.host.empty());
  EXPECT_THAT(local.host, Not(HasSubstr(" ")));
}

}  // namespace
}  // namespace keyward::signer
