// The audit log's files: when one ends, and what stands at its ends.
#include <sys/resource.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "signer/audit/file_names.h"
#include "tests/signer/audit_log_fixture.h"

namespace keyward::signer {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

class AuditFilesTest : public AuditLogTest {};

TEST_F(AuditFilesTest, AFileThatIsLargeEnoughIsClosed) {
  options_.rotate_bytes = 2000;
  auto log = Open();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  ASSERT_TRUE(Eventually([&] { return FileNames().size() >= 10; }));
  log.reset();
  const std::vector<std::string> files = FileNames();
  EXPECT_EQ(files.front(), "audit-000000000001.jsonl");
  for (const std::string& file : files) {
    EXPECT_LT(Text(file).size(), 2600U) << file;
    EXPECT_TRUE(file == "audit.jsonl" || Text(file).size() >= 2000U) << file;
  }
  const std::vector<std::string> story = Story();
  EXPECT_EQ(std::count(story.begin(), story.end(), "acme"), 100);
}

TEST_F(AuditFilesTest, AFileThatIsOldEnoughIsClosedWhileNothingHappens) {
  options_.rotate_age = absl::Milliseconds(1);
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  EXPECT_TRUE(Eventually([&] { return FileNames().size() == 2; }));
  // The next has nothing worth a file yet.
  const std::string first = Text();
  absl::SleepFor(absl::Milliseconds(1200));
  EXPECT_EQ(FileNames().size(), 2U);
}

TEST_F(AuditFilesTest, AgeCountsFromTheFilesFirstRecordAcrossRestarts) {
  ASSERT_TRUE(AppendAndWait(*Open(), RecordOf("acme")).ok());
  options_.rotate_age = absl::Hours(1);
  ASSERT_TRUE(AppendAndWait(*Open(), RecordOf("acme")).ok());
  EXPECT_THAT(FileNames(), ElementsAre("audit.jsonl"));
  options_.rotate_age = absl::ZeroDuration();
  const auto log = Open();
  EXPECT_TRUE(Eventually([&] { return FileNames().size() == 2; }));
}

TEST_F(AuditFilesTest, AClosedFileWithoutACheckpointSaysSo) {
  options_.rotate_bytes = 1;
  {
    const auto log = Open();
    ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
    ASSERT_TRUE(Eventually([&] { return FileNames().size() == 2; }));
  }
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "acme", "Checkpoint", "OpenFile"));
  EXPECT_EQ(Records()[2]["outcome"], "refused");
  EXPECT_EQ(Records()[2]["reason"], "CHECKPOINT_LEFT_OUT");
}

TEST_F(AuditFilesTest, AFileThatCannotBeClosedGoesOn) {
  options_.rotate_bytes = 1;
  auto log = Open();
  std::filesystem::create_directory(dir_.File("audit-000000000001.jsonl"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  EXPECT_TRUE(log->CheckWritable().ok());
  log.reset();
  std::filesystem::remove(dir_.File("audit-000000000001.jsonl"));
  EXPECT_THAT(Story(), Contains("acme").Times(3));
  EXPECT_THAT(Story(), Contains("Checkpoint").Times(1)) << "not tried at every record";
}

TEST_F(AuditFilesTest, SomebodyElsesFileInItsPlaceStopsTheLogUntilItIsGone) {
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("one")).ok());
  std::filesystem::rename(path(), dir_.File("away"));
  std::filesystem::create_directory(path());
  EXPECT_EQ(ReasonOf(AppendAndWait(*log, RecordOf("lost"))), "AUDIT_UNAVAILABLE");
  std::filesystem::remove(path());
  std::filesystem::rename(dir_.File("away"), path());
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("two")).ok());
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "two"));
}

TEST_F(AuditFilesTest, TheHeadIsTheLastRecordThatIsDurable) {
  ASSERT_TRUE(AppendAndWait(*Open(), RecordOf("one")).ok());
  const auto log = Open();
  EXPECT_EQ(log->head().last.sequence, 2U);
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("two")).ok());
  const AuditHead head = log->head();
  EXPECT_EQ(head.last.sequence, 3U);
  EXPECT_EQ(head.vouched.sequence, 0U);
  EXPECT_EQ(head.vouched_time, absl::InfinitePast());
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("three")).ok());
  EXPECT_EQ(Records()[3]["previous"], head.last.sha256);
}

class FakeSink final : public AuditSink {
 public:
  absl::Status Deliver(absl::Span<const std::string> lines) override {
    MutexLock lock(&mutex_);
    lines_.insert(lines_.end(), lines.begin(), lines.end());
    return Outcome();
  }
  absl::Status CheckReady() const override {
    MutexLock lock(&mutex_);
    return Outcome();
  }
  void SetReady(bool ready) {
    MutexLock lock(&mutex_);
    ready_ = ready;
  }
  std::vector<std::string> lines() const {
    MutexLock lock(&mutex_);
    return lines_;
  }

 private:
  absl::Status Outcome() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ready_ ? absl::OkStatus()
                  : Error(absl::StatusCode::kUnavailable, "AUDIT_FORWARD_UNAVAILABLE", "away");
  }

  mutable Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  bool ready_ ABSL_GUARDED_BY(mutex_) = true;
};

TEST_F(AuditFilesTest, ASinkGetsEveryLineAndDecidesWithTheFile) {
  const auto sink = std::make_shared<FakeSink>();
  options_.sink = sink;
  options_.rotate_bytes = 700;
  auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("one")).ok());
  sink->SetReady(false);
  EXPECT_EQ(ReasonOf(log->CheckWritable()), "AUDIT_FORWARD_UNAVAILABLE");
  EXPECT_EQ(ReasonOf(AppendAndWait(*log, RecordOf("two"))), "AUDIT_FORWARD_UNAVAILABLE");
  sink->SetReady(true);
  EXPECT_TRUE(log->CheckWritable().ok());
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("three")).ok());
  log.reset();
  std::string all;
  for (const std::string& line : sink->lines()) absl::StrAppend(&all, line, "\n");
  std::string files;
  const auto closed = FindClosedFiles(path());
  for (const NumberedFile& file : *closed) files += *ReadFile(file.path);
  EXPECT_EQ(all, files + Text());
  EXPECT_EQ(Records().size(), sink->lines().size());
}

}  // namespace
}  // namespace keyward::signer
