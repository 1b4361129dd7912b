#include "signer/audit_log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

AuditRecord RecordOf(const std::string& connection) {
  return {.time = absl::FromUnixSeconds(1700000000), .method = "Sign", .connection = connection};
}

absl::Status AppendAndWait(AuditLog& log, AuditRecord record) {
  // Unlike absl::Notification, one that ThreadSanitizer sees.
  std::promise<absl::Status> done;
  log.Append(std::move(record), [&](const absl::Status& durable) { done.set_value(durable); });
  return done.get_future().get();
}

class AuditLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<AuditLog> Open() {
    auto log = AuditLog::New({.file = path()});
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  std::vector<nlohmann::json> Lines() const {
    std::vector<nlohmann::json> lines;
    std::istringstream text(*ReadFile(path()));
    for (std::string line; std::getline(text, line);) {
      lines.push_back(nlohmann::json::parse(line, nullptr, false));
    }
    return lines;
  }

  // Numbers of the lines that are records.
  std::vector<int> Sequence() const {
    std::vector<int> numbers;
    for (const auto& line : Lines()) {
      if (line.is_object()) numbers.push_back(line["sequence"]);
    }
    return numbers;
  }

  std::string path() const { return dir_.File("audit.jsonl"); }

  testing::TempDir dir_;
};

TEST_F(AuditLogTest, ARecordSaysWhatWasDecided) {
  AuditRecord record = RecordOf("acme");
  record.identity = "spiffe://a/b";
  record.key_version = 3;
  record.claims_sha256 = "00ff";
  record.sub = "u@example.com";
  record.aud = "https://login.salesforce.com";
  record.exp = absl::FromUnixSeconds(1700000180);
  record.role = "backends";
  record.on_behalf_of = "dns:shop.example";
  record.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_EQ(ToJsonLine(record, 7),
            R"({"sequence":7,"time":"2023-11-14T22:13:20.000000Z","method":"Sign",)"
            R"("outcome":"done","identity":"spiffe://a/b","on_behalf_of":"dns:shop.example",)"
            R"("role":"backends","connection":"acme",)"
            R"("key_version":3,"claims_sha256":"00ff","sub":"u@example.com",)"
            R"("aud":"https://login.salesforce.com","exp":1700000180,)"
            R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"})"
            "\n");
}

TEST_F(AuditLogTest, WhatACallerWroteCannotBreakTheLine) {
  AuditRecord record = RecordOf("a\n\"}{\"outcome\":\"done");
  record.refusal = "CONNECTION_NAME_INVALID";
  record.identity = std::string("cn:\xff\xfe", 5);
  const std::string line = ToJsonLine(record, 1);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(json.is_object()) << line;
  EXPECT_EQ(json["outcome"], "refused");
  EXPECT_EQ(json["connection"], record.connection);

  record.connection = std::string(100000, 'x');
  EXPECT_LT(ToJsonLine(record, 1).size(), 2000U);
}

TEST_F(AuditLogTest, IdentitiesAreThereWhole) {
  AuditRecord record = RecordOf("acme");
  record.identity = "spiffe://a/" + std::string(2037, 'i');
  record.on_behalf_of = "spiffe://a/" + std::string(2037, 'b');
  const auto json = nlohmann::json::parse(ToJsonLine(record, 1), nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["identity"], record.identity);
  EXPECT_EQ(json["on_behalf_of"], record.on_behalf_of);
}

TEST_F(AuditLogTest, IsOnTheFileWhenItSaysDurable) {
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("acme")).ok());
  ASSERT_EQ(Lines().size(), 1U);
  EXPECT_EQ(Lines()[0]["connection"], "acme");
  struct stat info {};
  ASSERT_EQ(stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(AuditLogTest, NumbersGoOnAfterARestart) {
  Open()->Append(RecordOf("one"), nullptr);
  Open()->Append(RecordOf("two"), nullptr);
  EXPECT_EQ(Sequence(), (std::vector<int>{1, 2}));
}

TEST_F(AuditLogTest, EndsALineThatACrashLeftAndGoesOn) {
  Open()->Append(RecordOf("one"), nullptr);
  const std::string half = *ReadFile(path()) + R"({"sequence":2,"time":"20)";
  ASSERT_TRUE(WriteFile(path(), half, 0600).ok());
  Open()->Append(RecordOf("two"), nullptr);
  EXPECT_EQ(Sequence(), (std::vector<int>{1, 2, 3}));
  ASSERT_EQ(Lines().size(), 4U);
  EXPECT_TRUE(Lines()[1].is_discarded()) << "kept as it was found";
  EXPECT_EQ(Lines()[2]["method"], "EndIncompleteRecord");
}

TEST_F(AuditLogTest, TheFirstLineMayBeTheHalfOne) {
  ASSERT_TRUE(WriteFile(path(), R"({"sequence":1,"ti)", 0600).ok());
  Open()->Append(RecordOf("one"), nullptr);
  EXPECT_EQ(Sequence(), (std::vector<int>{1, 2}));
}

TEST_F(AuditLogTest, ACrashWhileItRepairsIsRepairedToo) {
  ASSERT_TRUE(WriteFile(path(), "{\"sequence\":1,\"ti\n", 0600).ok());
  Open()->Append(RecordOf("one"), nullptr);
  EXPECT_EQ(Sequence(), (std::vector<int>{1}));
}

TEST_F(AuditLogTest, RefusesAFileThatIsNoAuditLog) {
  ASSERT_TRUE(WriteFile(path(), "listen: 127.0.0.1:7443\n", 0600).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(AuditLog::New({.file = path()}).status()));
  EXPECT_EQ(*ReadFile(path()), "listen: 127.0.0.1:7443\n");
  EXPECT_FALSE(AuditLog::New({.file = dir_.path()}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(AuditLog::New({.file = "/dev/full"}).status()));
  EXPECT_FALSE(AuditLog::New({.file = dir_.File("no/such/folder")}).ok());
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
  const std::vector<int> sequence = Sequence();
  ASSERT_EQ(sequence.size(), static_cast<size_t>(kThreads * kRecords));
  for (size_t i = 0; i < sequence.size(); ++i) EXPECT_EQ(sequence[i], static_cast<int>(i) + 1);
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
    EXPECT_EQ(Sequence(), (std::vector<int>{1}));
    EXPECT_EQ(ReadFile(path())->back(), '\n');
  }
  log->Probe();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("after")).ok());
  EXPECT_TRUE(log->CheckWritable().ok());
  EXPECT_EQ(Sequence(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(Lines()[1]["method"], "ResumeAuditLog");
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
  EXPECT_EQ(Sequence(), (std::vector<int>{1, 2}));
}

TEST_F(AuditLogTest, AFileThatWasCutShortFailsClosed) {
  const auto log = Open();
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("before")).ok());
  std::filesystem::resize_file(path(), 10);
  EXPECT_EQ(ReasonOf(AppendAndWait(*log, RecordOf("lost"))), "AUDIT_UNAVAILABLE");
  EXPECT_EQ(ReadFile(path())->size(), 10U);
}

TEST_F(AuditLogTest, WhatAStrangerSendsNeitherGrowsARecordNorSteersATerminal) {
  AuditRecord record = RecordOf(CutName(std::string(60000, '\x01')));
  EXPECT_LT(ToJsonLine(record, 1).size(), 600U);
  record.connection =
      "\xc2\x9b"
      "2J\xe2\x80\xae";
  const std::string line = ToJsonLine(record, 1);
  EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
    return (c >= ' ' && c <= '~') || c == '\n';
  })) << line;
}

}  // namespace
}  // namespace keyward::signer
