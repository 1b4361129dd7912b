// Every way in which records can be changed without their chain, and where it is told.
#include <algorithm>

#include "tests/signer/audit/verifier_fixture.h"

namespace keyward::signer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using VerifierChainTest = VerifierFixture;

TEST_F(VerifierChainTest, FindsNothingInALogAsItWasWritten) {
  const VerifyReport report = Verify(SmallLog().files());
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report.files, 2U);
  EXPECT_EQ(report.records, 14U);
  EXPECT_EQ(report.first->sequence, 1U);
  EXPECT_EQ(report.last->sequence, 14U);
  EXPECT_EQ(report.last->time - report.first->time, absl::Seconds(13));
  EXPECT_EQ(report.checkpoints, 3U);
  EXPECT_EQ(report.vouched->sequence, 12U);
  EXPECT_EQ(report.unvouched_records, 2U);
}

TEST_F(VerifierChainTest, NamesTheRecordThatWasChanged) {
  LogFiles files = SmallLog().files();
  std::string& line = files[0][2];
  line.replace(line.find("acme"), 4, "emca");
  EXPECT_THAT(FindingsOf(files),
              ElementsAre("failure changed-record audit-000000000001.jsonl:3 3"));
}

TEST_F(VerifierChainTest, NamesTheRecordThatWasChangedAtTheEndOfAFile) {
  LogFiles files = SmallLog().files();
  std::string& line = files[0].back();
  line.replace(line.find("key_version\":1"), 14, "key_version\":2");
  EXPECT_THAT(FindingsOf(files),
              ElementsAre("failure changed-record audit-000000000001.jsonl:9 9"));
}

TEST_F(VerifierChainTest, TellsOfAFirstRecordThatContinuesAnother) {
  LogFiles files = SmallLog().files();
  std::string& line = files[0][0];
  line.replace(line.find("000000"), 1, "1");
  EXPECT_THAT(FindingsOf(files), Contains("failure changed-record audit-000000000001.jsonl:1 1"));
}

TEST_F(VerifierChainTest, NamesRecordsThatWereRemoved) {
  LogFiles files = SmallLog().files();
  files[0].erase(files[0].begin() + 2, files[0].begin() + 4);
  const VerifyReport report = Verify(files);
  EXPECT_THAT(Findings(report),
              ElementsAre("failure missing-records audit-000000000001.jsonl:3 5"));
  EXPECT_THAT(report.findings[0].message, HasSubstr("records 3 to 4 are missing"));
}

TEST_F(VerifierChainTest, TellsOfAFileWhoseBeginningWasCutOff) {
  LogFiles files = SmallLog().files();
  files[1].erase(files[1].begin());
  EXPECT_THAT(FindingsOf(files), ElementsAre("failure cut-beginning audit.jsonl:1 11",
                                             "failure missing-records audit.jsonl:1 11"));
}

TEST_F(VerifierChainTest, TellsOfAFirstFileWhoseBeginningWasCutOff) {
  LogFiles files = SmallLog().files();
  files[0].erase(files[0].begin());
  EXPECT_THAT(FindingsOf(files), ElementsAre("failure cut-beginning audit-000000000001.jsonl:1 2"));
}

TEST_F(VerifierChainTest, TellsOfAFileWhoseEndWasCutOff) {
  LogFiles files = SmallLog().files();
  files[0].pop_back();
  EXPECT_THAT(FindingsOf(files),
              ElementsAre("failure checkpoint-missing audit-000000000001.jsonl:8 8",
                          "failure missing-file audit.jsonl:1 10"));
}

TEST_F(VerifierChainTest, TellsOfAMissingFile) {
  const LogFiles all = LogBuilder().Add(2).Rotate().Add(2).Rotate().Add(2).Checkpoint().files();
  const VerifyReport report = Verify({all[0], all[2]});
  EXPECT_THAT(Findings(report), ElementsAre("failure missing-file audit.jsonl:1 9"));
  EXPECT_THAT(report.findings[0].message, HasSubstr("records 5 to 8 are missing"));
}

TEST_F(VerifierChainTest, NamesRecordsThatWereSwapped) {
  LogFiles files = SmallLog().files();
  std::swap(files[0][2], files[0][3]);
  EXPECT_THAT(FindingsOf(files),
              ElementsAre("failure missing-records audit-000000000001.jsonl:3 4",
                          "failure reordered-record audit-000000000001.jsonl:4 3"));
}

TEST_F(VerifierChainTest, NamesARecordThatStandsThereTwice) {
  LogFiles files = SmallLog().files();
  files[0].insert(files[0].begin() + 3, files[0][2]);
  EXPECT_THAT(FindingsOf(files),
              ElementsAre("failure inserted-record audit-000000000001.jsonl:4 3"));
}

TEST_F(VerifierChainTest, NamesARecordThatWasInserted) {
  // With the right `previous`, in front of the real record 3.
  LogFiles files = SmallLog().files();
  std::string forged = files[0][2];
  forged.replace(forged.find("cn:backend"), 10, "cn:mallory");
  files[0].insert(files[0].begin() + 2, forged);
  EXPECT_THAT(FindingsOf(files),
              ElementsAre("failure inserted-record audit-000000000001.jsonl:4 3"));
}

TEST_F(VerifierChainTest, TellsOfAChainThatBeginsAnew) {
  const LogFiles files =
      LogBuilder().Add(3).Checkpoint().Restart().NewFile().Add(3).Checkpoint().files();
  // The checkpoint of the new chain is older than the one before it.
  EXPECT_THAT(FindingsOf(files), Contains("failure restarted-chain audit.jsonl:1 1"));
}

TEST_F(VerifierChainTest, FollowsAChainThatBeginsAnewWithOneFinding) {
  LogBuilder log;
  log.Add(3).Restart().Add(20).Checkpoint();
  EXPECT_THAT(FindingsOf(log.files()), ElementsAre("failure restarted-chain audit.jsonl:5 1"));
}

TEST_F(VerifierChainTest, TellsOfALineThatIsNoRecordOnce) {
  for (const char* garbage : {"", "x", "{}", "[1]", "{\"sequence\":7}", "\xff\xfe", "null"}) {
    LogFiles files = SmallLog().files();
    files[0][2] = garbage;
    EXPECT_THAT(FindingsOf(files),
                ElementsAre("failure malformed-line audit-000000000001.jsonl:3 0"))
        << garbage;
    files = SmallLog().files();
    files[0].insert(files[0].begin() + 2, garbage);
    EXPECT_THAT(FindingsOf(files),
                ElementsAre("failure malformed-line audit-000000000001.jsonl:3 0"))
        << garbage;
  }
}

TEST_F(VerifierChainTest, GoesOnAfterAHugeLine) {
  LogFiles files = SmallLog().files();
  files[0].insert(files[0].begin() + 2, std::string(5'000'000, 'x'));
  EXPECT_THAT(FindingsOf(files), ElementsAre("failure too-long-line audit-000000000001.jsonl:3 0"));
}

TEST_F(VerifierChainTest, TakesTheLongestLineAndNoLongerOne) {
  for (const size_t size : {kMaxLineBytes, kMaxLineBytes + 1}) {
    LogBuilder log;
    log.Add(1);
    const std::string frame = R"(,"comment":"")";
    const size_t empty = log.files()[0][1].size() -
                         std::string(R"(,"identity":"cn:backend","connection":"acme")").size();
    log.Add(R"(,"comment":")" + std::string(size - empty - frame.size(), 'x') + "\"").Checkpoint();
    ASSERT_THAT(log.files()[0][2], SizeIs(size));
    EXPECT_EQ(Verify(log.files()).ok(), size == kMaxLineBytes);
  }
}

TEST_F(VerifierChainTest, SaysThatCrLfIsNoChangeOfMeaningButAChange) {
  LogFiles files = SmallLog().files();
  for (auto& file : files) {
    for (std::string& line : file) line += "\r";
  }
  const VerifyReport report = Verify(files);
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.findings[0].message, HasSubstr("CR LF"));
}

TEST_F(VerifierChainTest, ReportsTheFirstHundredAndCountsTheRest) {
  LogFiles files = LogBuilder().Add(500).Checkpoint().files();
  for (size_t i = 1; i < 400; i += 2) files[0][i] += "}";
  const VerifyReport report = Verify(files);
  EXPECT_THAT(report.findings, SizeIs(100));
  EXPECT_EQ(report.failures, 200U);
}

TEST_F(VerifierChainTest, TellsOfEachOfSeveralBreaks) {
  LogFiles files = LogBuilder().Add(20).Checkpoint().files();
  files[0].erase(files[0].begin() + 15);
  std::string& line = files[0][5];
  line.replace(line.find("acme"), 4, "emca");
  EXPECT_THAT(FindingsOf(files), ElementsAre("failure changed-record audit.jsonl:6 6",
                                             "failure missing-records audit.jsonl:16 17"));
}

}  // namespace
}  // namespace keyward::signer
