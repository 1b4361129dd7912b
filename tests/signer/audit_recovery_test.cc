// Every state in which a crash can leave the audit log's files.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "signer/audit/file_names.h"
#include "tests/signer/audit_log_fixture.h"

namespace keyward::signer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AuditRecoveryTest : public AuditLogTest {
 protected:
  void AppendOne(const std::string& connection) {
    ASSERT_TRUE(AppendAndWait(*Open(), RecordOf(connection)).ok());
  }
  void Tear(const std::string& half) const { Write(Text() + half); }

  static unsigned ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    return info.st_mode & 0777U;
  }
};

TEST_F(AuditRecoveryTest, TheChainGoesOnAfterARestart) {
  AppendOne("one");
  AppendOne("two");
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "two"));
}

TEST_F(AuditRecoveryTest, AnUnfinishedLineIsSetAsideAndRecorded) {
  AppendOne("one");
  const std::string half = R"({"sequence":3,"previous":"20)";
  Tear(half);
  AppendOne("two");
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "SetAsideTornRecord", "two"));
  EXPECT_EQ(Text("audit.jsonl.torn-3"), half);
  EXPECT_EQ(ModeOf(dir_.File("audit.jsonl.torn-3")), 0600U);
  const nlohmann::json record = Records()[2];
  EXPECT_EQ(record["file"], "audit.jsonl.torn-3");
  EXPECT_EQ(record["file_sha256"], HexSha256(half));
  AppendOne("three");
  EXPECT_EQ(Records().size(), 5U) << "recorded once";
}

TEST_F(AuditRecoveryTest, ACrashBetweenSettingAsideAndCuttingOff) {
  AppendOne("one");
  Tear("{\"seq");
  Write("{\"seq", "audit.jsonl.torn-3");
  Write("{\"s", "audit.jsonl.torn-3-2-partial");
  AppendOne("two");
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "SetAsideTornRecord", "two"));
  EXPECT_THAT(FileNames(),
              ElementsAre("audit.jsonl", "audit.jsonl.torn-3", "audit.jsonl.torn-3-2-partial"));
}

TEST_F(AuditRecoveryTest, ACrashBetweenCuttingOffAndRecording) {
  AppendOne("one");
  Write("{\"first", "audit.jsonl.torn-3");
  AppendOne("two");
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "SetAsideTornRecord", "two"));
}

TEST_F(AuditRecoveryTest, ACrashWhileItRecordsLosesNeitherLine) {
  AppendOne("one");
  Write("{\"first", "audit.jsonl.torn-3");
  Tear("{\"second");
  AppendOne("two");
  EXPECT_THAT(Story(),
              ElementsAre("OpenFile", "one", "SetAsideTornRecord", "SetAsideTornRecord", "two"));
  EXPECT_EQ(Text("audit.jsonl.torn-3"), "{\"first");
  EXPECT_EQ(Text("audit.jsonl.torn-3-2"), "{\"second");
}

TEST_F(AuditRecoveryTest, TheFirstLineMayBeTheUnfinishedOne) {
  for (const std::string& half :
       {std::string("{\"seq"), std::string("{\"sequence\":1,\"previous\":"),
        std::string(100, '\0')}) {
    std::filesystem::remove_all(dir_.path());
    std::filesystem::create_directory(dir_.path());
    std::filesystem::permissions(dir_.path(), std::filesystem::perms::owner_all);
    Write(half);
    AppendOne("one");
    EXPECT_THAT(Story(), ElementsAre("OpenFile", "SetAsideTornRecord", "one"));
    EXPECT_EQ(Text("audit.jsonl.torn-1"), half);
  }
}

TEST_F(AuditRecoveryTest, AClosedFileWithoutASuccessorIsGoneOnFrom) {
  AppendOne("one");
  const std::string closed = ClosedFileName(path(), 1);
  std::filesystem::rename(path(), closed);
  AppendOne("two");
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "OpenFile", "two"));

  // And where the next file was made, but has no record yet, or half of one.
  std::filesystem::rename(path(), ClosedFileName(path(), 3));
  Write("");
  AppendOne("three");
  std::filesystem::rename(path(), ClosedFileName(path(), 5));
  Write("{\"sequence\":7,\"prev");
  AppendOne("four");
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "OpenFile", "two", "OpenFile", "three",
                                   "OpenFile", "SetAsideTornRecord", "four"));
}

TEST_F(AuditRecoveryTest, ClosedFilesMayBeInAnArchive) {
  options_.rotate_bytes = 1;
  AppendOne("one");
  AppendOne("two");
  ASSERT_THAT(FileNames(), ::testing::Contains("audit-000000000001.jsonl"));
  const std::string before = Text();
  const auto closed = FindClosedFiles(path());
  for (const NumberedFile& file : *closed) std::filesystem::remove(file.path);
  Open();
  EXPECT_THAT(Text(), ::testing::StartsWith(before));
}

TEST_F(AuditRecoveryTest, ACorruptEndIsRefusedWithWhatToDo) {
  AppendOne("one");
  AppendOne("two");
  const std::string good = Text();
  const size_t cut = good.find('\n', good.find('\n') + 1) + 1;
  const std::string last = good.substr(cut);
  const auto expect_refused = [&](const std::string& text) {
    Write(text);
    EXPECT_THAT(std::string(OpenError().message()),
                AllOf(HasSubstr("record 2"), HasSubstr(absl::StrCat("truncate -s ", cut, ")"))))
        << text;
    EXPECT_EQ(Text(), text) << "left as it was";
  };
  expect_refused(good.substr(0, cut) + "{\"sequence\":3}\n");
  expect_refused(good.substr(0, cut) + std::string(50, '\0') + "\n");
  expect_refused(good.substr(0, cut) + good.substr(0, cut));
  std::string changed = last;
  changed.replace(changed.find("\"sequence\":3"), 12, "\"sequence\":4");
  expect_refused(good.substr(0, cut) + changed);
  changed = last;
  changed.replace(changed.find("\"connection\":\"two\""), 6, "connec");
  expect_refused(good.substr(0, cut) + changed);

  // What the message says to do works.
  std::filesystem::resize_file(path(), cut);
  AppendOne("three");
  EXPECT_THAT(Story(), ElementsAre("OpenFile", "one", "three"));
}

TEST_F(AuditRecoveryTest, AChangedRecordBeforeTheLastIsRefused) {
  AppendOne("one");
  AppendOne("two");
  std::string text = Text();
  text.replace(text.find("\"one\""), 5, "\"1ne\"");
  Write(text);
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenError()));
}

TEST_F(AuditRecoveryTest, AFileThatDoesNotFollowTheClosedOneIsRefused) {
  AppendOne("one");
  const std::string old = Text();
  std::filesystem::rename(path(), ClosedFileName(path(), 1));
  Write(old);
  EXPECT_THAT(std::string(OpenError().message()), HasSubstr("does not follow record 2"));
  std::filesystem::remove(path());
  Write("no record\n", "audit-000000000001.jsonl");
  EXPECT_THAT(std::string(OpenError().message()), HasSubstr("audit-000000000001.jsonl"));
}

TEST_F(AuditRecoveryTest, ALogFromBeforeTheChainIsSetAsideWhole) {
  const std::string old =
      "{\"sequence\":4,\"time\":\"2026-01-01T00:00:00.000000Z\",\"method\":\"Sign\"}\n"
      "{\"sequence\":5,\"time\":\"2026-01-01T00:00:00.000000Z\",\"method\":\"Sign\"}\n{\"sequ";
  Write(old);
  AppendOne("one");
  EXPECT_THAT(FileNames(), ElementsAre("audit-000000000004.jsonl.unchained", "audit.jsonl"));
  EXPECT_EQ(Text("audit-000000000004.jsonl.unchained"), old);
  EXPECT_THAT(Story(6), ElementsAre("OpenFile", "one"));
  const nlohmann::json first = Records(6)[0];
  EXPECT_EQ(first["previous"], std::string(kNoPrevious));
  EXPECT_EQ(first["file"], "audit-000000000004.jsonl.unchained");
  EXPECT_EQ(first["file_sha256"], HexSha256(old));
  EXPECT_THAT(first["detail"].get<std::string>(), HasSubstr("chain begins here"));
  AppendOne("two");
  EXPECT_THAT(Story(6), ElementsAre("OpenFile", "one", "two"));
}

TEST_F(AuditRecoveryTest, ACrashBetweenSettingAnOldLogAsideAndTheChain) {
  Write("{\"sequence\":5,\"time\":\"2026-01-01T00:00:00.000000Z\",\"method\":\"Sign\"}\n",
        "audit-000000000005.jsonl.unchained");
  AppendOne("one");
  EXPECT_THAT(Story(6), ElementsAre("OpenFile", "one"));
  EXPECT_EQ(Records(6)[0]["file"], "audit-000000000005.jsonl.unchained");
}

TEST_F(AuditRecoveryTest, RefusesAFileThatIsNoAuditLog) {
  Write("listen: 127.0.0.1:7443\n");
  EXPECT_THAT(std::string(OpenError().message()), HasSubstr("move the file away"));
  EXPECT_EQ(Text(), "listen: 127.0.0.1:7443\n");
  for (const std::string& other :
       {dir_.path(), std::string("/dev/full"), dir_.File("no/such/folder")}) {
    EXPECT_FALSE(AuditLog::New({.file = other}).ok()) << other;
  }
  std::filesystem::create_symlink(path(), dir_.File("link"));
  EXPECT_THAT(std::string(AuditLog::New({.file = dir_.File("link")}).status().message()),
              HasSubstr("symbolic link"));
}

TEST_F(AuditRecoveryTest, RefusesFilesThatOthersMayReadOrChange) {
  AppendOne("one");
  for (const mode_t mode : {0644, 0660, 0602}) {
    ASSERT_EQ(chmod(path().c_str(), mode), 0);
    EXPECT_THAT(std::string(OpenError().message()), HasSubstr("chmod"));
  }
  ASSERT_EQ(chmod(path().c_str(), 0640), 0);
  AppendOne("two");
  ASSERT_EQ(chmod(dir_.path().c_str(), 0777), 0);
  EXPECT_THAT(std::string(OpenError().message()), HasSubstr("everybody may replace"));
}

TEST_F(AuditRecoveryTest, ALogHasOneWriter) {
  const auto log = Open();
  EXPECT_THAT(std::string(OpenError().message()), HasSubstr("another process"));
  ASSERT_TRUE(AppendAndWait(*log, RecordOf("one")).ok());
  // The moment between closing a file and beginning the next.
  std::filesystem::rename(path(), ClosedFileName(path(), 1));
  EXPECT_THAT(std::string(OpenError().message()), HasSubstr("another process"));
}

// Killed at whatever moment, again and again, with a file end every few records.
TEST_F(AuditRecoveryTest, NoKillBreaksTheChainOrLosesADurableRecord) {
  options_.rotate_bytes = 1500;
  uint64_t durable = 0;
  for (int round = 0; round < 30; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      auto log = AuditLog::New(options_);
      if (!log.ok()) _exit(1);
      for (;;) {
        (*log)->Append(RecordOf("acme"), nullptr);
        if (!AppendAndWait(**log, RecordOf("acme")).ok()) _exit(2);
        const uint64_t last = (*log)->head().last.sequence;
        if (write(pipe_ends[1], &last, sizeof last) != sizeof last) _exit(3);
      }
    }
    close(pipe_ends[1]);
    // Some records, another number in each round.
    uint64_t last = 0;
    for (int i = 0; i <= round % 7; ++i) {
      ASSERT_EQ(read(pipe_ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    usleep(static_cast<useconds_t>(round * 137));
    kill(child, SIGKILL);
    while (read(pipe_ends[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
    }
    close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    EXPECT_GT(last, durable);
    durable = last;
  }
  Open();
  EXPECT_GE(Records().size(), durable);
}

}  // namespace
}  // namespace keyward::signer
