// keyward audit, offline: the real command with files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "tests/signer/audit/log_builder.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class AuditCommandTest : public ::testing::Test {
 protected:
  AuditCommandTest() {
    EXPECT_TRUE(WriteFile(certificate_, testing::TestAuditKey::First().certificate_pem()).ok());
  }

  testing::Finished Keyward(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {KEYWARD_BINARY, "audit"});
    // No settings are needed.
    return testing::Run(arguments, {{"KEYWARD_CONFIG", "/dev/null"}});
  }

  testing::Finished Verify(std::vector<std::string> more) {
    more.insert(more.begin(), {"verify", logs_.path(), "--certificate", certificate_});
    return Keyward(more);
  }

  const testing::TempDir logs_;
  const testing::TempDir dir_;
  const std::string certificate_ = dir_.File("audit.pem");
};

TEST_F(AuditCommandTest, VerifiesADirectory) {
  testing::LogBuilder log;
  log.Add(5).Rotate().Add(5).Checkpoint();
  testing::WriteLog(logs_.path(), log.files());
  const testing::Finished finished = Verify({});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  EXPECT_THAT(finished.out, AllOf(HasSubstr("records      14\n"), HasSubstr("anchor 13:"),
                                  HasSubstr("The log is whole.")));
  const std::string anchor = absl::StrCat(log.last().sequence, ":", log.last().sha256);
  EXPECT_EQ(Verify({"--anchor", anchor, "--from-start", "--strict"}).exit_code, 0);
}

TEST_F(AuditCommandTest, FailsWithTheFindings) {
  testing::LogFiles files = testing::LogBuilder().Add(5).Checkpoint().files();
  files[0].erase(files[0].begin() + 2);
  const auto paths = testing::WriteLog(logs_.path(), files);
  const testing::Finished finished = Verify({});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.out,
              HasSubstr(absl::StrCat("failure missing-records: ", paths[0],
                                     ":3: record 4: record 3 is missing before this one\n")));
  EXPECT_THAT(finished.err, HasSubstr("AUDIT_LOG_NOT_WHOLE"));
  const testing::Finished json = Verify({"-o", "json"});
  EXPECT_EQ(json.exit_code, 1);
  const auto report = nlohmann::json::parse(json.out, nullptr, false);
  EXPECT_EQ(report["ok"], false);
  EXPECT_EQ(report["findings"][0]["kind"], "missing-records");
  EXPECT_EQ(report["findings"][0]["line"], 3);
  EXPECT_EQ(report["findings"][0]["sequence"], 4);
}

TEST_F(AuditCommandTest, SaysWhatIsMissing) {
  EXPECT_EQ(Keyward({"verify", logs_.path()}).exit_code, 2);
  EXPECT_EQ(Verify({}).exit_code, 1);
  EXPECT_THAT(Verify({}).err, HasSubstr("AUDIT_FILES_MISSING"));
  // No answer about the log: wrong usage.
  EXPECT_THAT(Verify({"--anchor", "7"}).err, HasSubstr("an anchor is SEQUENCE:SHA256"));
  EXPECT_EQ(Verify({"--anchor", "7"}).exit_code, 2);
}

TEST_F(AuditCommandTest, ShowsNoControlCharacterOfARecord) {
  testing::WriteLog(logs_.path(),
                    testing::LogBuilder().Add(R"(,"comment":"a\u001b[2Jb\u202ec")").files());
  const testing::Finished finished = Keyward({"tail", "--file", logs_.path()});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, AllOf(HasSubstr(" 2 done Sign comment=a?[2Jb"), Not(HasSubstr("\x1b")),
                                  Not(HasSubstr("\xe2\x80\xae"))));
}

// Comments and common names may have spaces, and so look like members of the record.
TEST_F(AuditCommandTest, ShowsNoMemberThatIsOnlyTextOfAnother) {
  testing::WriteLog(
      logs_.path(),
      testing::LogBuilder()
          .Add(R"(,"identity":"cn:eve NOT_ALLOWED","comment":"x role=\"admins\" approval=y")")
          .files());
  EXPECT_THAT(
      Keyward({"tail", "--file", logs_.path()}).out,
      HasSubstr(R"( 2 done Sign "cn:eve NOT_ALLOWED" comment="x role=\"admins\" approval=y")"
                "\n"));
}

TEST_F(AuditCommandTest, TailsAndFiltersFiles) {
  const testing::LogFiles files = testing::LogBuilder().Add(R"(,"connection":"eu")").Add(5).files();
  testing::WriteLog(logs_.path(), files);
  EXPECT_EQ(Keyward({"tail", "-o", "json", "-n", "1", "--file", logs_.path()}).out,
            files[0].back() + "\n");
  EXPECT_EQ(Keyward({"tail", "-o", "json", "--connection", "eu", "--file", logs_.path()}).out,
            files[0][1] + "\n");
  EXPECT_EQ(Keyward({"tail", "--since", "yesterday", "--file", logs_.path()}).exit_code, 2);
  EXPECT_EQ(Keyward({"tail", "--follow", "--file", logs_.path()}).exit_code, 2);
}

TEST_F(AuditCommandTest, ExportsWithoutFormulas) {
  testing::WriteLog(
      logs_.path(),
      testing::LogBuilder()
          .Add(R"(,"identity":"=cmd|'/C calc'!A0","comment":"a,\"b\"\nc","sub":"@sum","aud":"+1")")
          .files());
  const testing::Finished finished =
      Keyward({"export", "--method", "Sign", "--file", logs_.path()});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  const std::vector<std::string> rows = absl::StrSplit(finished.out, "\r\n");
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_THAT(rows[0], AllOf(StartsWith("sequence,time,method,outcome,reason,identity,"),
                             HasSubstr(",record")));
  EXPECT_THAT(rows[1], StartsWith("2,"));
  EXPECT_THAT(rows[1], HasSubstr(R"(,Sign,done,,"'=cmd|'/C calc'!A0",)"));
  EXPECT_THAT(rows[1], HasSubstr(R"(,"'@sum","'+1",)"));
  EXPECT_THAT(rows[1], HasSubstr("\"a,\"\"b\"\"\nc\""));
  EXPECT_THAT(rows[1], HasSubstr(R"(,"{""sequence"":2,)"));
}

TEST_F(AuditCommandTest, ExportsOverNoFile) {
  testing::WriteLog(logs_.path(), testing::LogBuilder().files());
  const std::string out = dir_.File("out.csv");
  EXPECT_EQ(Keyward({"export", "--file", logs_.path(), "--out", out}).exit_code, 0);
  EXPECT_THAT(ReadFile(out).value_or(""), StartsWith("sequence,"));
  EXPECT_EQ(Keyward({"export", "--file", logs_.path(), "--out", out}).exit_code, 1);
}

}  // namespace
}  // namespace keyward
