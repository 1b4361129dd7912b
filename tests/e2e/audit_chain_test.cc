// The audit log of a real signer, verified offline: whole through all that a signer goes
// through, and not whole once somebody had their hands on it.
#include <signal.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "common/openssl.h"
#include "tests/e2e/audit_fixture.h"
#include "tests/e2e/load.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AuditChainTest : public AuditTest {
 protected:
  // A log of two files with signatures in each, and the certificate "audit.pem".
  void MakeTwoFiles() {
    Start();
    CreateConnection();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(Sign().ok());
    FillFile();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(Sign().ok());
    SaveCertificates("audit.pem");
    anchor_ = Head();
    Stop();
    const json report = Verify({"audit.pem"}, {"--strict"});
    ASSERT_EQ(report["exit_code"], 0) << report;
    ASSERT_THAT(ClosedFiles(), SizeIs(1));
  }

  std::vector<std::string> Lines(const std::string& path) const {
    return absl::StrSplit(ReadAll(path), '\n', absl::SkipEmpty());
  }
  static void Put(const std::string& path, const std::vector<std::string>& lines) {
    ASSERT_TRUE(WriteFile(path, absl::StrJoin(lines, "\n") + "\n", 0600).ok());
  }

  // The place of the first signature in `lines`.
  static size_t FirstSign(const std::vector<std::string>& lines) {
    size_t i = 0;
    while (i < lines.size() && !absl::StrContains(lines[i], R"("method":"Sign")")) ++i;
    EXPECT_LT(i, lines.size());
    return i;
  }

  static void WriteOtherSubject(std::string& line) {
    line = testing::Replaced(line, kSubject, "root@example.com");
  }

  // An anchor that was written down before the log was closed.
  std::string anchor_;
};

TEST_F(AuditChainTest, IsWholeOverFilesRestartsACrashAndARotatedKey) {
  Start();
  CreateConnection();
  SaveCertificates("first.pem");
  const std::string anchor = Head();
  FillFile();
  Stop();
  Start();
  std::vector<std::unique_ptr<client::SignerClient>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(Client());
  Load load(std::move(clients), "load");
  ASSERT_TRUE(Eventually([&] { return load.count() >= 50; }));
  EXPECT_EQ(Verify({"first.pem"}, {"--anchor", anchor})["exit_code"], 0) << "while it is written";
  Kill();
  load.Stop();
  // As a write that a crash of the machine let through in part.
  const std::string active = File("audit.jsonl");
  const std::string torn = R"({"sequence":99,"previous":"00)";
  ASSERT_TRUE(WriteFile(active, ReadAll(active) + torn, 0600).ok());
  Start();
  Do({"audit", "rotate-key", "--yes"});
  SaveCertificates("both.pem");
  FillFile();
  ASSERT_TRUE(Sign().ok());
  const std::string later = Head();
  Stop();

  const json report = Verify({"both.pem"}, {"--strict", "--anchor", anchor, "--anchor", later});
  EXPECT_EQ(report["exit_code"], 0) << report;
  EXPECT_THAT(report["findings"], IsEmpty());
  EXPECT_EQ(report["files"], 3);
  EXPECT_EQ(report["unvouched_records"], 1) << "the last checkpoint itself";
  const std::vector<json> records = WholeAudit();
  EXPECT_EQ(report["records"], records.size());
  EXPECT_GT(report["checkpoints"], 10);

  const json old = Verify({"first.pem"});
  EXPECT_EQ(old["exit_code"], 1);
  EXPECT_THAT(Failures(old), Contains("checkpoint-unknown-key"));

  json set_aside;
  for (const json& record : records) {
    if (record["method"] == "SetAsideTornRecord") set_aside = record;
  }
  ASSERT_TRUE(set_aside.is_object());
  EXPECT_EQ(set_aside["file_sha256"], HexSha256(torn));
  EXPECT_EQ(ReadAll(File(set_aside["file"].get<std::string>())), torn);
}

TEST_F(AuditChainTest, CheckpointsComeEveryFewRecordsFromTheTokensOwnKey) {
  MakeTwoFiles();
  uint64_t vouched = 0;
  uint64_t last = 0;
  std::string kid;
  for (const json& record : WholeAudit()) {
    last = record["sequence"].get<uint64_t>();
    if (record["method"] != "Checkpoint") continue;
    EXPECT_EQ(record["outcome"], "done");
    vouched = record["checkpoint"]["sequence"].get<uint64_t>();
    EXPECT_LT(vouched, last);
    kid = record["checkpoint"]["kid"].get<std::string>();
  }
  EXPECT_EQ(vouched + 1, last) << "an orderly stop ends with one";
  // The key is on the token, and may not leave it.
  const testing::Finished listed = testing::Run(
      {"pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label", testing::kSignerToken,
       "--login", "--pin", testing::kUserPin, "--list-objects", "--type", "privkey"});
  EXPECT_THAT(listed.out, HasSubstr("keyward/.audit/1"));
  EXPECT_THAT(listed.out, HasSubstr("never extractable"));
  EXPECT_FALSE(kid.empty());
}

TEST_F(AuditChainTest, ALogBegunAnewDoesNotHaveTheAnchor) {
  MakeTwoFiles();
  const uint64_t last = WholeAudit().back()["sequence"].get<uint64_t>();
  for (const std::string& file : LogFiles()) std::filesystem::remove(file);
  AcceptLoss(last);
  Start();
  ASSERT_TRUE(Sign().ok());
  Stop();
  AcceptLoss(0);
  EXPECT_EQ(Verify({"audit.pem"})["exit_code"], 0) << "by itself it is whole";
  EXPECT_THAT(Failures(Verify({"audit.pem"}, {"--anchor", anchor_})),
              ElementsAre("anchor-missing"));
  // Nor once it is as long as the old one was.
  Start();
  FillFile();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Sign().ok());
  Stop();
  EXPECT_EQ(Verify({"audit.pem"})["exit_code"], 0);
  const json report = Verify({"audit.pem"}, {"--anchor", anchor_});
  EXPECT_EQ(report["exit_code"], 1);
  EXPECT_THAT(Failures(report), ElementsAre("anchor-mismatch"));
}

TEST_F(AuditChainTest, AChangedRecordIsNamedWithItsFile) {
  MakeTwoFiles();
  for (const std::string& path : LogFiles()) {
    SCOPED_TRACE(path);
    const std::vector<std::string> lines = Lines(path);
    std::vector<std::string> changed = lines;
    const size_t at = FirstSign(lines);
    WriteOtherSubject(changed[at]);
    Put(path, changed);
    const json report = Verify({"audit.pem"});
    EXPECT_EQ(report["exit_code"], 1);
    const json finding = FindingOf(report, "changed-record");
    ASSERT_TRUE(finding.is_object()) << report;
    EXPECT_EQ(finding["file"], path);
    EXPECT_EQ(finding["line"], at + 1);
    EXPECT_EQ(finding["sequence"], json::parse(lines[at])["sequence"]);
    const testing::Finished text =
        signer_.Keyward({"audit", "verify", signer_.dir(), "--certificate", File("audit.pem")});
    EXPECT_EQ(text.exit_code, 1);
    EXPECT_THAT(text.out, HasSubstr(absl::StrCat("failure changed-record: ", path, ":", at + 1)));
    EXPECT_THAT(text.err, HasSubstr("AUDIT_LOG_NOT_WHOLE"));
    Put(path, lines);
  }
  EXPECT_EQ(Verify({"audit.pem"})["exit_code"], 0) << "once it is as it was";
}

TEST_F(AuditChainTest, WhoLinksTheChainAnewLacksTheKeyForItsCheckpoints) {
  MakeTwoFiles();
  const std::string path = File("audit.jsonl");
  std::vector<std::string> lines = Lines(path);
  const size_t at = FirstSign(lines);
  WriteOtherSubject(lines[at]);
  for (size_t i = at + 1; i < lines.size(); ++i) {
    const std::string previous = json::parse(lines[i])["previous"].get<std::string>();
    lines[i] = testing::Replaced(lines[i], previous, HexSha256(lines[i - 1]));
  }
  Put(path, lines);
  const json report = Verify({"audit.pem"});
  EXPECT_EQ(report["exit_code"], 1);
  EXPECT_THAT(Failures(report), Each("checkpoint-forged"));
  const json finding = FindingOf(report, "checkpoint-forged");
  ASSERT_TRUE(finding.is_object()) << report;
  EXPECT_EQ(finding["file"], path);
}

TEST_F(AuditChainTest, ARemovedRecordAndARemovedFileAreMissed) {
  MakeTwoFiles();
  const std::string path = File("audit.jsonl");
  const std::vector<std::string> lines = Lines(path);
  std::vector<std::string> fewer = lines;
  fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(FirstSign(lines)));
  Put(path, fewer);
  EXPECT_THAT(Failures(Verify({"audit.pem"})), Contains("missing-records"));
  Put(path, lines);

  // The newest closed file.
  Start();
  FillFile();
  Stop();
  EXPECT_EQ(Verify({"audit.pem"})["exit_code"], 0);
  const std::string newest = ClosedFiles().back();
  std::filesystem::rename(newest, newest + ".away");
  const json report = Verify({"audit.pem"});
  EXPECT_EQ(report["exit_code"], 1);
  EXPECT_THAT(Failures(report), Contains("missing-file"));
  std::filesystem::rename(newest + ".away", newest);
  // The newest of all: what is left is whole, and only the anchor shows it.
  ASSERT_EQ(Verify({"audit.pem"}, {"--anchor", anchor_})["exit_code"], 0);
  std::filesystem::remove(path);
  std::filesystem::remove(newest);
  EXPECT_EQ(Verify({"audit.pem"})["exit_code"], 0);
  EXPECT_THAT(Failures(Verify({"audit.pem"}, {"--anchor", anchor_})),
              ElementsAre("anchor-missing"));
}

}  // namespace
}  // namespace keyward::e2e
