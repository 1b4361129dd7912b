#include "signer/audit_log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/signer/audit_log_fixture.h"

namespace keyward::signer {
namespace {

using ::testing::ElementsAre;

TEST_F(AuditLogTest, IsOnTheFileWhenItSaysDurable) {
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "acme"));
  struct stat info {};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(AuditLogTest, ManyThreadsLoseNothing) {
  constexpr int kThreads = 8;
  constexpr int kRecords = 200;
  absl::BlockingCounter durable(kThreads * kRecords);
  const auto log = Open();
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kRecords; ++j) {
        log->Append(RecordOf("acme"), [&](const absl::Status& status) {
          EXPECT_TRUE(status.ok());
          durable.DecrementCount();
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  log->FinishGroup();
  durable.Wait();
  EXPECT_EQ(Records().size(), static_cast<size_t>(kThreads * kRecords + 1));
}

// A limit on the size of files is a disk that fills up, and can be undone.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(AuditLogTest, AFullDiskFailsClosedLeavesNoHalfLineAndRecovers) {
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("before")).ok());
  {
    const FullDisk full(ReadFile(path())->size() + 20);
    const absl::Status status = AppendAndWait(*log, RecordOf("lost"));
    EXPECT_EQ(ReasonOf(status), "AUDIT_UNAVAILABLE");
    EXPECT_EQ(ReasonOf(log->CheckWritable()), "AUDIT_UNAVAILABLE");
    EXPECT_THAT(Story(), ElementsAre("OpenFile", "before"));
  }
  log->Probe();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("after")).ok());
  EXPECT_TRUE(log->CheckWritable().ok());
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "before", "ResumeAuditLog", "after"));
}

TEST_F(AuditLogTest, SaysHowManyRefusalsWereNotRecorded) {
  auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("before")).ok());
  {
    const FullDisk full(ReadFile(path())->size() + 20);
    AuditRecord counted = RefusalOf("one");
    counted.count = 5;
    EXPECT_FALSE(AppendAndWait(*log, counted).ok());
    EXPECT_FALSE(AppendAndWait(*log, RefusalOf("two")).ok());
    EXPECT_FALSE(AppendAndWait(*log, RecordOf("a signature")).ok());
    log->Probe();
    EXPECT_FALSE(AppendAndWait(*log, RefusalOf("three")).ok());
  }
  log->Probe();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("after")).ok());
  log.reset();
  for (const nlohmann::json& record : Records()) {
    EXPECT_EQ(record.value("detail", ""),
              record["method"] == "ResumeAuditLog" ? "refusals that were not recorded: 7" : "");
  }
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "before", "ResumeAuditLog", "after"));
}

TEST_F(AuditLogTest, AFileThatWasMovedAwayFailsClosedAndIsTakenBack) {
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("before")).ok());
  std::filesystem::rename(path(), path() + ".away");
  EXPECT_EQ(ReasonOf(AppendAndWait(*log, RecordOf("lost"))), "AUDIT_UNAVAILABLE");
  ASSERT_TRUE(WriteFile(path(), "", 0600).ok());
  EXPECT_EQ(ReasonOf(AppendAndWait(*log, RecordOf("lost"))), "AUDIT_UNAVAILABLE")
      << "another file of that name is not ours";
  std::filesystem::rename(path() + ".away", path());
  EXPECT_TRUE(AppendAndWait(*log, RecordOf("after")).ok());
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "before", "after"));
}

// Unlike a signature a change has happened, whatever its caller is told.
TEST_F(AuditLogTest, TheRecordOfAChangeIsKeptUntilItCanBeWritten) {
  auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("before")).ok());
  const AuditRecord change{.time = absl::FromUnixSeconds(1700000000),
                           .method = "UpdateConnection",
                           .connection = "acme",
                           .after = absl::StrCat(R"({"text":")", std::string(4000, 'x'), R"("})")};
  {
    // Room for short records, not for this one.
    const FullDisk full(ReadFile(path())->size() + 2000);
    EXPECT_EQ(ReasonOf(AppendAndWait(*log, change)), "AUDIT_UNAVAILABLE");
    log->Probe();
    EXPECT_EQ(ReasonOf(AppendAndWait(*log, RecordOf("short"))), "AUDIT_UNAVAILABLE")
        << "nothing goes on without it";
    EXPECT_EQ(ReasonOf(log->CheckWritable()), "AUDIT_UNAVAILABLE");
  }
  log->Probe();
  ASSERT_TRUE(Eventually([&] { return log->CheckWritable().ok(); }));
  EXPECT_TRUE(AppendAndWait(*log, RecordOf("after")).ok());
  log.reset();
  EXPECT_THAT(Story(),
              ElementsAre("OpenFile", "before", "UpdateConnection", "ResumeAuditLog", "after"));
}

TEST_F(AuditLogTest, AFileThatWasCutShortFailsClosed) {
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("before")).ok());
  std::filesystem::resize_file(path(), 10);
  EXPECT_EQ(ReasonOf(AppendAndWait(*log, RecordOf("lost"))), "AUDIT_UNAVAILABLE");
  EXPECT_EQ(ReadFile(path())->size(), 10U);
}

}  // namespace
}  // namespace keyward::signer
