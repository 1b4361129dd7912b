// Files: their order, where they begin and how they end.
#include <sys/stat.h>

#include <filesystem>

#include "common/file.h"
#include "tests/signer/audit/verifier_fixture.h"
#include "tests/testing/code_and_reason.h"

namespace keyward::signer {
namespace {

using testing::CodeAndReason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class VerifierFilesTest : public VerifierFixture {
 protected:
  static LogBuilder ThreeFiles() {
    return LogBuilder().Add(2).Rotate().Add(2).Rotate().Add(2).Checkpoint();
  }

  void AppendTo(const std::string& path, const std::string& text) {
    ASSERT_TRUE(WriteFile(path, ReadFile(path).value_or("") + text).ok());
  }
};

TEST_F(VerifierFilesTest, SortsFilesByTheirRecords) {
  const auto paths = testing::WriteLog(dir_.path(), ThreeFiles().files());
  const VerifyReport report = Verify({paths[2], paths[0], paths[1], paths[0]});
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.files, 3U);
  EXPECT_EQ(report.records, 12U);
}

TEST_F(VerifierFilesTest, TakesADirectoryForItsFiles) {
  testing::WriteLog(dir_.path(), ThreeFiles().files());
  AppendTo(dir_.File("audit.jsonl.torn-7"), "{\"sequence\":7,");
  AppendTo(dir_.File("README"), "not part of it");
  const VerifyReport report = Verify(std::vector<std::string>{dir_.path()});
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.files, 3U);
}

TEST_F(VerifierFilesTest, SortsAFileWhoseFirstLineIsDamaged) {
  LogFiles files = ThreeFiles().files();
  files[1][0] = "{";
  EXPECT_THAT(FindingsOf(files), ElementsAre("failure malformed-line audit-000000000002.jsonl:1 0",
                                             "failure cut-beginning audit-000000000002.jsonl:2 6"));
}

TEST_F(VerifierFilesTest, TellsOfACopyOfAFile) {
  const auto paths = testing::WriteLog(dir_.path(), ThreeFiles().files());
  std::filesystem::copy(paths[1], dir_.File("copy.jsonl"));
  EXPECT_FALSE(Verify(std::vector<std::string>{dir_.path()}).ok());
}

TEST_F(VerifierFilesTest, SaysWhereALogBegins) {
  const LogFiles all = ThreeFiles().files();
  const VerifyReport report = Verify({all[1], all[2]});
  EXPECT_TRUE(report.ok());
  ASSERT_THAT(report.findings, SizeIs(1));
  EXPECT_EQ(report.findings[0].severity, Severity::kNote);
  EXPECT_THAT(report.findings[0].message, HasSubstr("begins with record 5"));
  EXPECT_EQ(report.unvouched_records, 1U);
  options_.from_start = true;
  EXPECT_THAT(FindingsOf({all[1], all[2]}),
              ElementsAre("failure begins-later audit-000000000001.jsonl:1 5"));
}

TEST_F(VerifierFilesTest, WarnsOfARecordThatIsBeingWritten) {
  const auto paths = testing::WriteLog(dir_.path(), SmallLog().files());
  for (const char* piece : {"{", "{\"sequence\":15,\"previous\":\"00"}) {
    testing::WriteLog(dir_.path(), SmallLog().files());
    AppendTo(paths[1], piece);
    const VerifyReport report = Verify(paths);
    EXPECT_THAT(Findings(report), ElementsAre("warning unfinished-line audit.jsonl:6 0")) << piece;
    EXPECT_TRUE(report.ok());
  }
}

TEST_F(VerifierFilesTest, TellsOfGarbageAtTheEnd) {
  const auto paths = testing::WriteLog(dir_.path(), SmallLog().files());
  for (const std::string& garbage :
       {std::string("x"), std::string("{\"sequence\":16,\"previous\":\""), std::string(3, '\0')}) {
    testing::WriteLog(dir_.path(), SmallLog().files());
    AppendTo(paths[1], garbage);
    EXPECT_THAT(Findings(Verify(paths)), ElementsAre("failure malformed-line audit.jsonl:6 0"));
  }
}

TEST_F(VerifierFilesTest, TellsOfAnUnfinishedRecordAtTheEndOfAClosedFile) {
  const auto paths = testing::WriteLog(dir_.path(), SmallLog().files());
  std::string text = ReadFile(paths[0]).value_or("");
  text.resize(text.size() - 20);
  ASSERT_TRUE(WriteFile(paths[0], text).ok());
  EXPECT_THAT(Findings(Verify(paths)),
              ElementsAre("failure unfinished-line audit-000000000001.jsonl:9 0",
                          "failure checkpoint-missing audit-000000000001.jsonl:8 8"));
}

TEST_F(VerifierFilesTest, TellsOfAFileThatWasEmptied) {
  LogFiles files = ThreeFiles().files();
  files[1].clear();
  EXPECT_THAT(FindingsOf(files), ElementsAre("failure missing-file audit.jsonl:1 9",
                                             "failure empty-file audit-000000000002.jsonl:0 0"));
}

TEST_F(VerifierFilesTest, TakesNoEmptyLog) {
  EXPECT_THAT(FindingsOf({{}}), ElementsAre("warning empty-file audit.jsonl:0 0",
                                            "failure nothing-vouched-for :0 0"));
  std::filesystem::remove_all(dir_.File("audit.jsonl"));
  EXPECT_EQ(CodeAndReason(VerifyAuditFiles({dir_.path()}, keys_, options_).status()),
            "INVALID_ARGUMENT AUDIT_FILES_MISSING");
}

TEST_F(VerifierFilesTest, SaysWhichFileCannotBeRead) {
  const auto missing = VerifyAuditFiles({dir_.File("none.jsonl")}, keys_, options_);
  EXPECT_EQ(CodeAndReason(missing.status()), "UNAVAILABLE AUDIT_FILE_UNREADABLE");
  EXPECT_THAT(std::string(missing.status().message()), HasSubstr("none.jsonl"));
  // Nobody will ever write into it.
  ASSERT_EQ(mkfifo(dir_.File("pipe.jsonl").c_str(), 0600), 0);
  EXPECT_EQ(CodeAndReason(VerifyAuditFiles({dir_.File("pipe.jsonl")}, keys_, options_).status()),
            "UNAVAILABLE AUDIT_FILE_UNREADABLE");
}

}  // namespace
}  // namespace keyward::signer
