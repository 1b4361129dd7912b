// Forged, missing and left-out checkpoints; anchors.
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "tests/signer/audit/verifier_fixture.h"
#include "tests/testing/code_and_reason.h"

namespace keyward::signer {
namespace {

using testing::CodeAndReason;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VerifierCheckpointTest : public VerifierFixture {
 protected:
  // What somebody with the disk and without the token can do: change a record, and hash all
  // that follows anew.
  static LogFiles Rewritten(LogFiles files, size_t changed) {
    std::string previous;
    for (size_t i = 0; i < files[0].size(); ++i) {
      std::string& line = files[0][i];
      if (i == changed) line.replace(line.find("acme"), 4, "emca");
      if (i > changed) line.replace(line.find("previous\":\"") + 11, 64, previous);
      previous = HexSha256(line);
    }
    return files;
  }
};

TEST_F(VerifierCheckpointTest, FindsRecordsThatWereChainedAnew) {
  const LogFiles files = Rewritten(LogBuilder().Add(4).Checkpoint().Add(4).Checkpoint().files(), 7);
  const VerifyReport report = Verify(files);
  EXPECT_THAT(Findings(report), ElementsAre("failure checkpoint-forged audit.jsonl:11 11"));
  EXPECT_THAT(report.findings[0].message, HasSubstr("in 6 to 10"));
  EXPECT_EQ(report.vouched->sequence, 5U);
}

TEST_F(VerifierCheckpointTest, FindsASignatureOfAnotherKey) {
  LogBuilder log;
  log.Add(3);
  Checkpoint forged = log.MakeCheckpoint();
  forged.signature = absl::WebSafeBase64Escape(
      TestAuditKey::Second().Sign(CheckpointStatement(forged.link, forged.time)));
  log.Checkpoint(forged);
  EXPECT_THAT(FindingsOf(log.files()), ElementsAre("failure checkpoint-forged audit.jsonl:5 5",
                                                   "failure nothing-vouched-for audit.jsonl:5 5"));
}

TEST_F(VerifierCheckpointTest, FindsAKeyOfWhichNoCertificateWasGiven) {
  const LogFiles files =
      LogBuilder().Add(3).Checkpoint().UseKey(TestAuditKey::Second()).Add(1).Checkpoint().files();
  const VerifyReport report = Verify(files);
  EXPECT_THAT(Findings(report), ElementsAre("failure checkpoint-unknown-key audit.jsonl:7 7"));
  EXPECT_THAT(report.findings[0].message, HasSubstr(TestAuditKey::Second().kid()));
}

TEST_F(VerifierCheckpointTest, TakesSeveralKeys) {
  ASSERT_TRUE(keys_
                  .AddPem("of the first year\n" + TestAuditKey::First().certificate_pem() +
                          TestAuditKey::Second().certificate_pem())
                  .ok());
  EXPECT_EQ(keys_.size(), 2U);
  const LogFiles files = LogBuilder()
                             .Add(3)
                             .Checkpoint()
                             .UseKey(TestAuditKey::Second())
                             .Add(1)
                             .Rotate()
                             .Checkpoint()
                             .files();
  const VerifyReport report = Verify(files);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.checkpoints, 3U);
}

TEST_F(VerifierCheckpointTest, TakesAnOlderCheckpointAgainAndGainsNothingByIt) {
  LogBuilder log;
  log.Add(3);
  const Checkpoint old = log.MakeCheckpoint();
  log.Checkpoint().Add(3).Checkpoint().Add(1).Checkpoint(old);
  const VerifyReport report = Verify(log.files());
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_EQ(report.vouched->sequence, 8U);
  // Nor does it hide that the end has been without a new one for long.
  log.Wait(absl::Hours(3)).Add(1).Checkpoint(old).Add(1);
  EXPECT_THAT(FindingsOf(log.files()), ElementsAre("failure unvouched-records audit.jsonl:14 14"));
}

TEST_F(VerifierCheckpointTest, FindsACheckpointOfAnotherLog) {
  LogBuilder other;
  const Checkpoint foreign = other.Wait(absl::Minutes(1)).Add(2).MakeCheckpoint();
  LogBuilder log;
  log.Add(5).Checkpoint().Checkpoint(foreign);
  EXPECT_THAT(FindingsOf(log.files()), ElementsAre("failure checkpoint-forged audit.jsonl:8 8"));
}

TEST_F(VerifierCheckpointTest, FindsACheckpointOfARecordToCome) {
  LogBuilder longer;
  longer.Add(30);
  LogBuilder log;
  log.Add(3).Checkpoint().Add(2).Checkpoint(longer.MakeCheckpoint());
  EXPECT_THAT(FindingsOf(log.files()), Contains("failure checkpoint-forged audit.jsonl:8 8"));
}

TEST_F(VerifierCheckpointTest, TakesACheckpointThatComesLate) {
  LogBuilder log;
  log.Add(3);
  const Checkpoint late = log.MakeCheckpoint();
  EXPECT_THAT(FindingsOf(log.Add(50).Checkpoint(late).files()), IsEmpty());
}

TEST_F(VerifierCheckpointTest, FindsOneOfWhichAPartWasChanged) {
  const LogFiles good = LogBuilder().Add(3).Checkpoint().files();
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"\"sequence\":4,\"sha256\"", "\"sequence\":3,\"sha256\""},
      {"\"checkpoint\":{", "\"checkpoint\":{\"x\":[}"},
      {"\"kid\":\"", "\"kid\":\"x"},
      {"\"signature\":\"", "\"signature\":\"x"},
      {"\"signature\":\"", "\"signature\":\"=\",\"s\":\""},
      {"\"key_version\":1", "\"key_version\":-1"},
      {"\"key_version\":1", "\"key_version\":\"1\""},
      {"\"checkpoint\":", "\"checkpoint\":1,\"x\":"},
      {"\"checkpoint\":", "\"x\":"}};
  for (const auto& [from, to] : changes) {
    LogFiles files = good;
    std::string& line = files[0].back();
    ASSERT_NE(line.rfind(from), std::string::npos) << from;
    line.replace(line.rfind(from), from.size(), to);
    EXPECT_THAT(FindingsOf(files), Contains(HasSubstr("failure checkpoint-"))) << to;
  }
}

TEST_F(VerifierCheckpointTest, FindsATimeLongBeforeTheOneBefore) {
  LogBuilder log;
  log.Add(3).Checkpoint().Wait(-absl::Hours(2)).Add(1).Checkpoint();
  EXPECT_THAT(FindingsOf(log.files()), ElementsAre("failure checkpoint-time audit.jsonl:7 7"));
  LogBuilder corrected;
  corrected.Add(3).Checkpoint().Wait(-absl::Minutes(5)).Add(1).Checkpoint();
  EXPECT_THAT(FindingsOf(corrected.files()), IsEmpty());
}

TEST_F(VerifierCheckpointTest, WarnsOfACertificateThatWasNotValidThen) {
  const TestAuditKey later(absl::FromUnixSeconds(1900000000));
  ASSERT_TRUE(keys_.AddPem(later.certificate_pem()).ok());
  const VerifyReport report = Verify(LogBuilder(later).Add(2).Checkpoint().files());
  EXPECT_THAT(Findings(report), ElementsAre("warning certificate-time audit.jsonl:4 4"));
  EXPECT_TRUE(report.ok());
}

TEST_F(VerifierCheckpointTest, TakesNoLogWithoutACheckpoint) {
  EXPECT_THAT(FindingsOf(LogBuilder().Add(3).files()),
              ElementsAre("failure nothing-vouched-for audit.jsonl:4 4"));
}

TEST_F(VerifierCheckpointTest, TellsOfAFileThatNoCheckpointCloses) {
  EXPECT_THAT(FindingsOf(LogBuilder().Add(3).NewFile().Add(1).Checkpoint().files()),
              ElementsAre("failure checkpoint-missing audit-000000000001.jsonl:4 4"));
}

TEST_F(VerifierCheckpointTest, WarnsWhereTheLogSaysThatTheTokenGaveNone) {
  const VerifyReport report =
      Verify(LogBuilder().Add(3).LeaveCheckpointOut().NewFile().Add(1).Checkpoint().files());
  EXPECT_THAT(Findings(report),
              ElementsAre("warning checkpoint-left-out audit-000000000001.jsonl:5 5"));
  EXPECT_TRUE(report.ok());
}

TEST_F(VerifierCheckpointTest, TellsOfALongEndWithoutCheckpoints) {
  options_.max_unvouched_records = 10;
  // The checkpoint's own record counts, too.
  EXPECT_THAT(FindingsOf(LogBuilder().Checkpoint().Add(9).files()), IsEmpty());
  EXPECT_THAT(FindingsOf(LogBuilder().Checkpoint().Add(10).files()),
              ElementsAre("failure unvouched-records audit.jsonl:12 12"));
  EXPECT_THAT(FindingsOf(LogBuilder().Checkpoint().Add(10).Checkpoint().files()),
              ElementsAre("warning checkpoint-missing audit.jsonl:13 13"));
}

TEST_F(VerifierCheckpointTest, TellsOfAnEndThatHasBeenWithoutCheckpointsForLong) {
  options_.max_unvouched_time = absl::Hours(1);
  EXPECT_THAT(
      FindingsOf(LogBuilder().Add(1).Checkpoint().Add(1).Wait(absl::Minutes(61)).Add(1).files()),
      ElementsAre("failure unvouched-records audit.jsonl:5 5"));
  // An idle signer has nothing to vouch for.
  EXPECT_THAT(FindingsOf(LogBuilder().Add(1).Checkpoint().Wait(absl::Hours(61)).Add(2).files()),
              IsEmpty());
}

// A signer goes on behind whatever end it finds when it starts, and vouches for that then:
// so what was without a checkpoint for long before may have been written anew meanwhile.
TEST_F(VerifierCheckpointTest, WarnsOfALongTimeBetweenTwoCheckpoints) {
  options_.max_unvouched_time = absl::Hours(1);
  const VerifyReport report = Verify(
      LogBuilder().Add(1).Checkpoint().Add(1).Wait(absl::Minutes(61)).Add(1).Checkpoint().files());
  EXPECT_THAT(Findings(report), ElementsAre("warning checkpoint-missing audit.jsonl:6 6"));
  EXPECT_TRUE(report.ok());
  EXPECT_THAT(
      FindingsOf(
          LogBuilder().Add(1).Checkpoint().Wait(absl::Hours(61)).Add(2).Checkpoint().files()),
      IsEmpty())
      << "an idle signer";
}

TEST_F(VerifierCheckpointTest, ShowsAnEndCutOffBehindACheckpointOnlyToAnAnchor) {
  LogBuilder log;
  log.Add(3).Checkpoint();
  const LogFiles cut = log.files();
  log.Add(3);
  options_.anchors = {{log.last().sequence, log.last().sha256}};
  EXPECT_THAT(FindingsOf(log.files()), IsEmpty());
  EXPECT_THAT(FindingsOf(cut), ElementsAre("failure anchor-missing :0 0"));
  options_.anchors.clear();
  EXPECT_THAT(FindingsOf(cut), IsEmpty());
}

TEST_F(VerifierCheckpointTest, ShowsAnotherLogOfTheSameKeyToAnAnchor) {
  LogBuilder log;
  log.Add(3);
  options_.anchors = {{log.last().sequence, log.last().sha256}};
  LogBuilder other;
  other.Wait(absl::Hours(1)).Add(5).Checkpoint();
  EXPECT_THAT(FindingsOf(other.files()), ElementsAre("failure anchor-mismatch audit.jsonl:4 4"));
}

TEST_F(VerifierCheckpointTest, FindsAnAnchorInWhatTheFirstRecordContinues) {
  LogBuilder log;
  log.Add(3).Rotate();
  const LogFiles older = log.files();
  const ChainLink anchor{older[0].size(), HexSha256(older[0].back())};
  log.Add(2).Checkpoint();
  const LogFiles newer = {log.files()[1]};
  options_.anchors = {{anchor.sequence, anchor.sha256}};
  EXPECT_THAT(FindingsOf(newer), IsEmpty());
  options_.anchors = {{anchor.sequence - 1, anchor.sha256}};
  const VerifyReport report = Verify(newer);
  EXPECT_THAT(Findings(report), ElementsAre("failure anchor-missing :0 0"));
  EXPECT_THAT(report.findings.back().message, HasSubstr("give the older ones"));
}

TEST_F(VerifierCheckpointTest, ReadsAnchors) {
  const std::string hash(64, 'A');
  const auto anchor = ParseAnchor("12:" + hash);
  ASSERT_TRUE(anchor.ok()) << anchor.status();
  EXPECT_EQ(anchor->sequence, 12U);
  EXPECT_EQ(anchor->sha256, std::string(64, 'a'));
  for (const std::string& wrong :
       {std::string(), std::string("12"), ":" + hash, "0:" + hash, "-1:" + hash, "12:" + hash + "a",
        "12:" + hash.substr(1), "12:g" + hash.substr(1), "99999999999999999999:" + hash}) {
    EXPECT_EQ(CodeAndReason(ParseAnchor(wrong).status()), "INVALID_ARGUMENT ANCHOR_INVALID")
        << wrong;
  }
}

TEST_F(VerifierCheckpointTest, TakesNoFileWithoutACertificate) {
  CheckpointKeys keys;
  EXPECT_EQ(CodeAndReason(keys.AddPem("hello")), "INVALID_ARGUMENT AUDIT_CERTIFICATE_INVALID");
  std::string broken = TestAuditKey::First().certificate_pem();
  broken.replace(100, 10, "AAAAAAAAAA");
  EXPECT_EQ(CodeAndReason(keys.AddPem(broken)), "INVALID_ARGUMENT AUDIT_CERTIFICATE_INVALID");
}

}  // namespace
}  // namespace keyward::signer
