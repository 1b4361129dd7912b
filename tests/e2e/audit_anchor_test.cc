// A signer whose audit log lost records while it was stopped does not vouch for the rest.
#include <filesystem>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "common/openssl.h"
#include "tests/e2e/audit_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class AuditAnchorTest : public AuditTest {
 protected:
  // A log with a closed file and one that goes on, and a copy of both.
  void MakeLog() {
    Start();
    CreateConnection();
    FillFile();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(Sign().ok());
    Stop();
    ASSERT_THAT(ClosedFiles(), SizeIs(1));
    for (const std::string& file : LogFiles()) copy_[file] = ReadAll(file);
    const json last = WholeAudit().back();
    ASSERT_EQ(last["method"], "Checkpoint");
    last_ = last["sequence"].get<uint64_t>();
    last_sha256_ = HexSha256(Lines().back());
  }

  std::vector<std::string> Lines() const {
    return absl::StrSplit(ReadAll(File("audit.jsonl")), '\n', absl::SkipEmpty());
  }

  void RemoveAll() const {
    for (const std::string& file : LogFiles()) std::filesystem::remove(file);
  }
  void BringBack() const {
    for (const auto& [file, text] : copy_) ASSERT_TRUE(WriteFile(file, text, 0600).ok());
  }

  // Links what follows the checkpoint that is the first behind `lines[from]` anew, without the
  // record behind it.
  static void DropAndLinkAnew(std::vector<std::string>& lines, size_t from) {
    size_t at = from;
    while (!absl::StrContains(lines.at(at), R"("method":"Checkpoint")")) ++at;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    for (size_t i = at + 1; i < lines.size(); ++i) {
      const json record = json::parse(lines[i]);
      const uint64_t sequence = record["sequence"].get<uint64_t>();
      lines[i] = testing::Replaced(lines[i], absl::StrCat(R"("sequence":)", sequence),
                                   absl::StrCat(R"("sequence":)", sequence - 1));
      lines[i] = testing::Replaced(lines[i], record["previous"].get<std::string>(),
                                   HexSha256(lines[i - 1]));
    }
  }

  void ExpectRefused() const {
    const testing::Finished finished = signer_.RunToEnd();
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err,
                AllOf(HasSubstr("audit.file"),
                      HasSubstr(absl::StrCat("record ", last_, " with SHA-256 ", last_sha256_)),
                      HasSubstr(absl::StrCat("audit.accept_loss: ", last_))));
    EXPECT_THAT(ReadAll(File("audit.jsonl")), Not(HasSubstr("AcceptLossOfRecords")));
  }

  std::map<std::string, std::string> copy_;
  // The record that the registry knows.
  uint64_t last_ = 0;
  std::string last_sha256_;
};

TEST_F(AuditAnchorTest, AnEndThatWasLinkedAnewIsRefused) {
  MakeLog();
  std::vector<std::string> lines = Lines();
  DropAndLinkAnew(lines, 2);
  ASSERT_TRUE(WriteFile(File("audit.jsonl"), absl::StrJoin(lines, "\n") + "\n", 0600).ok());
  ExpectRefused();
  // Nor when it has grown to that number by the records of such starts.
  ExpectRefused();
  BringBack();
  Start();
  EXPECT_TRUE(Sign().ok());
  Stop();
}

TEST_F(AuditAnchorTest, AnEndThatWasCutOffBehindACheckpointIsRefused) {
  MakeLog();
  std::vector<std::string> lines = Lines();
  size_t kept = 3;
  while (!absl::StrContains(lines.at(kept - 1), R"("method":"Checkpoint")")) ++kept;
  ASSERT_LT(kept, lines.size());
  lines.resize(kept);
  ASSERT_TRUE(WriteFile(File("audit.jsonl"), absl::StrJoin(lines, "\n") + "\n", 0600).ok());
  ExpectRefused();
}

TEST_F(AuditAnchorTest, ALogThatIsGoneIsRefusedUntilItIsBack) {
  MakeLog();
  RemoveAll();
  ExpectRefused();
  BringBack();
  Start();
  EXPECT_TRUE(Sign().ok());
  Stop();
}

TEST_F(AuditAnchorTest, ClosedFilesMayBeMovedAway) {
  MakeLog();
  std::filesystem::rename(ClosedFiles().front(), File("archived"));
  Start();
  EXPECT_TRUE(Sign().ok());
  Stop();
}

TEST_F(AuditAnchorTest, AKilledSignerGoesOn) {
  MakeLog();
  for (int i = 0; i < 3; ++i) {
    Start();
    for (int j = 0; j < 7; ++j) EXPECT_TRUE(Sign().ok());
    Kill();
  }
  Start();
  Stop();
}

TEST_F(AuditAnchorTest, ALossIsAcceptedOnceAndRecorded) {
  MakeLog();
  RemoveAll();
  AcceptLoss(last_ + 1);
  ExpectRefused();
  AcceptLoss(last_);
  Start();
  EXPECT_TRUE(Sign().ok());
  // What was accepted holds, however this one ends.
  Kill();
  json accepted;
  for (const json& record : WholeAudit()) {
    if (record["method"] == "AcceptLossOfRecords") accepted = record;
  }
  ASSERT_TRUE(accepted.is_object());
  EXPECT_EQ(accepted["outcome"], "done");
  EXPECT_EQ(accepted["detail"], absl::StrCat(last_, ":", last_sha256_));
  AcceptLoss(0);
  Start();
  Stop();
  // Another loss is another one.
  AcceptLoss(last_);
  RemoveAll();
  const testing::Finished again = signer_.RunToEnd();
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr(absl::StrCat("(it is ", last_, ")")));
}

}  // namespace
}  // namespace keyward::e2e
