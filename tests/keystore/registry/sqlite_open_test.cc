// What opening a registry in SQLite creates, and what it refuses.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "keystore/registry/migrations.h"
#include "keystore/registry/sqlite_registry.h"
#include "tests/keystore/registry/registry_contract.h"
#include "tests/keystore/registry/sqlite_statement.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::AllOf;

class SqliteOpenTest : public ::testing::Test {
 protected:
  std::string path() const { return dir_.File("registry.db"); }

  absl::Status Open(const std::string& path) const { return OpenSqliteRegistry(path).status(); }

  // A registry with `count` connections, closed.
  void Fill(int count) const {
    const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path());
    for (int i = 0; i < count; ++i) CreateActive(*registry, absl::StrCat("c", i));
  }

  testing::TempDir dir_;
};

unsigned ModeOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777U;
}

MATCHER_P(SaysOf, text, "") {
  *result_listener << arg.ToString();
  return absl::StrContains(arg.message(), text);
}

TEST_F(SqliteOpenTest, CreatesAFileThatOnlyItsOwnerReads) {
  const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path());
  CreateActive(*registry, "acme");
  EXPECT_EQ(ModeOf(path()), 0600U);
  EXPECT_EQ(ModeOf(path() + "-wal"), 0600U);
  EXPECT_EQ(ModeOf(path() + "-shm"), 0600U);
}

TEST_F(SqliteOpenTest, KeepsAWriteAheadLogAndItsSchemaVersion) {
  const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path());
  EXPECT_EQ(SqliteValue(path(), "PRAGMA journal_mode"), "wal");
  EXPECT_EQ(SqliteValue(path(), "PRAGMA application_id"), absl::StrCat(0x4B797764));
  EXPECT_EQ(SqliteValue(path(), "SELECT MAX(number) FROM schema_migrations"),
            absl::StrCat(Migrations().back().number));
}

TEST_F(SqliteOpenTest, OpensPathsOfEverySpelling) {
  for (const char* name : {"with space.db", "a=b.db", "db=x", "quo\"te.db", "'; --.db", "%41.db",
                           "file:x?mode=ro", "ключ.db"}) {
    const absl::StatusOr<std::unique_ptr<Registry>> registry = OpenSqliteRegistry(dir_.File(name));
    ASSERT_THAT(registry.status(), IsOk()) << name;
    CreateActive(**registry, "acme");
    EXPECT_TRUE(std::filesystem::exists(dir_.File(absl::StrCat(name, "-wal")))) << name;
  }
}

TEST_F(SqliteOpenTest, OpensARelativePath) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(dir_.path());
  const absl::Status status = Open("relative.db");
  const absl::Status memory = Open(":memory:");
  std::filesystem::current_path(before);
  EXPECT_THAT(status, IsOk());
  EXPECT_TRUE(std::filesystem::exists(dir_.File("relative.db")));
  EXPECT_THAT(memory, IsOk());
  EXPECT_TRUE(std::filesystem::exists(dir_.File(":memory:")));
}

TEST_F(SqliteOpenTest, RefusesPathsThatCannotBe) {
  const auto refused = FailsWith(StatusCode::kUnavailable, "REGISTRY_UNAVAILABLE");
  EXPECT_THAT(Open(""), refused);
  EXPECT_THAT(Open(std::string("a\0b", 3)), refused);
  EXPECT_THAT(Open(dir_.File("a=b db=c")), refused);
  EXPECT_THAT(Open(dir_.path()), AllOf(refused, SaysOf("not a file")));
  EXPECT_THAT(Open(dir_.File("absent/registry.db")), AllOf(refused, SaysOf("absent")));
  EXPECT_FALSE(std::filesystem::exists(dir_.File("absent")));
  ASSERT_TRUE(WriteFile(dir_.File("file"), "x").ok());
  EXPECT_THAT(Open(dir_.File("file/registry.db")), AllOf(refused, SaysOf("not a folder")));
  std::filesystem::create_symlink(dir_.File("nowhere/x"), dir_.File("dangling"));
  EXPECT_THAT(Open(dir_.File("dangling")), refused);
}

TEST_F(SqliteOpenTest, RefusesAFileThatIsNotADatabase) {
  const auto corrupt = FailsWith(StatusCode::kDataLoss, "REGISTRY_CORRUPT");
  for (const std::string& contents :
       {std::string("x"), std::string(511, '\0'), std::string(8192, '\0'),
        std::string("SQLite format 3\0", 16), std::string(100'000, 'x'),
        std::string("SQLite format 3\0", 16) + std::string(8192, '\xFF')}) {
    ASSERT_TRUE(WriteFile(path(), contents).ok());
    EXPECT_THAT(Open(path()), AllOf(corrupt, SaysOf(path()), SaysOf("restore")));
    EXPECT_TRUE(*ReadFile(path()) == contents) << "it was changed";
  }
}

TEST_F(SqliteOpenTest, RefusesADamagedFile) {
  Fill(200);
  const std::string whole = *ReadFile(path());
  ASSERT_GT(whole.size(), 100'000U);
  const auto corrupt = FailsWith(StatusCode::kDataLoss, "REGISTRY_CORRUPT");
  ASSERT_TRUE(WriteFile(path(), whole.substr(0, whole.size() / 2)).ok());
  EXPECT_THAT(Open(path()), AllOf(corrupt, SaysOf(path()), SaysOf("restore")));
  for (size_t page = 1; page < whole.size() / 4096; page += 7) {
    std::string damaged = whole;
    damaged.replace(page * 4096, 4096, std::string(4096, '\xA5'));
    ASSERT_TRUE(WriteFile(path(), damaged).ok());
    EXPECT_THAT(Open(path()), AllOf(corrupt, SaysOf(path()))) << page;
  }
  ASSERT_TRUE(WriteFile(path(), whole).ok());
  EXPECT_THAT(Open(path()), IsOk());
}

TEST_F(SqliteOpenTest, RefusesADatabaseOfAnotherProgram) {
  ASSERT_THAT(SqliteExecute(path(), "CREATE TABLE theirs (x)"), IsOk());
  const std::string before = *ReadFile(path());
  EXPECT_THAT(Open(path()), AllOf(FailsWith(StatusCode::kFailedPrecondition, "REGISTRY_FOREIGN"),
                                  SaysOf(path())));
  EXPECT_TRUE(*ReadFile(path()) == before) << "it was changed";
}

TEST_F(SqliteOpenTest, RefusesANewerSchema) {
  Fill(1);
  ASSERT_THAT(SqliteExecute(path(), "INSERT INTO schema_migrations VALUES (7, 0)"), IsOk());
  EXPECT_THAT(
      Open(path()),
      AllOf(FailsWith(StatusCode::kFailedPrecondition, "REGISTRY_SCHEMA_TOO_NEW"), SaysOf(path()),
            SaysOf("schema version 7"), SaysOf(absl::StrCat("up to ", Migrations().back().number)),
            SaysOf("install the version")));
  ASSERT_THAT(SqliteExecute(path(), "DELETE FROM schema_migrations WHERE number = 7"), IsOk());
  EXPECT_THAT(Open(path()), IsOk());
}

TEST_F(SqliteOpenTest, RefusesAFileThatNobodyMayWrite) {
  Fill(1);
  const auto read_only = FailsWith(StatusCode::kFailedPrecondition, "REGISTRY_READ_ONLY");
  ASSERT_EQ(chmod(path().c_str(), 0444), 0);
  EXPECT_THAT(Open(path()), AllOf(read_only, SaysOf(path())));
  ASSERT_EQ(chmod(path().c_str(), 0600), 0);
  EXPECT_THAT(Open(path()), IsOk());
  ASSERT_EQ(chmod(dir_.path().c_str(), 0555), 0);
  EXPECT_THAT(Open(path()), AllOf(read_only, SaysOf(dir_.path())));
  EXPECT_THAT(Open(dir_.File("new.db")), read_only);
  ASSERT_EQ(chmod(dir_.path().c_str(), 0700), 0);
  EXPECT_FALSE(std::filesystem::exists(dir_.File("new.db")));
}

// Runs `body` in a child process and returns its answer.
bool InChild(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// In a mount namespace of its own, a file system on `folder` that is read-only
// once `fill` has run; true if `check` is true then.
bool OnReadOnlyMount(const std::string& folder, const std::function<bool()>& fill,
                     const std::function<bool()>& check) {
  return InChild([&] {
    return unshare(CLONE_NEWNS) == 0 &&
           mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount("none", folder.c_str(), "tmpfs", 0, "size=4m") == 0 && fill() &&
           mount("none", folder.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0 && check();
  });
}

TEST_F(SqliteOpenTest, RefusesAReadOnlyFileSystem) {
  const std::function<bool()> nothing = [] { return true; };
  if (!OnReadOnlyMount(dir_.path(), nothing, nothing)) {
    GTEST_SKIP() << "mounting needs root";
  }
  const auto is_refused = [this] {
    return ReasonOf(Open(path())) == std::optional<std::string>("REGISTRY_READ_ONLY");
  };
  EXPECT_TRUE(OnReadOnlyMount(dir_.path(), nothing, is_refused));
  EXPECT_TRUE(OnReadOnlyMount(
      dir_.path(), [this] { return Open(path()).ok(); }, is_refused));
}

TEST_F(SqliteOpenTest, ManyMayOpenANewFileAtOnce) {
  for (int round = 0; round < 10; ++round) {
    const std::string file = dir_.File(absl::StrCat(round, ".db"));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        EXPECT_THAT(OpenSqliteRegistry(file, {.busy_timeout = absl::Seconds(120)}).status(),
                    IsOk());
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(SqliteValue(file, "SELECT COUNT(*) FROM schema_migrations"),
              absl::StrCat(Migrations().size()));
  }
}

TEST_F(SqliteOpenTest, OpeningWaitsForNoLongerThanItMay) {
  Fill(1);
  const std::unique_ptr<SqliteStatements> writer = SqliteStatements::Open(path());
  ASSERT_THAT(writer->Execute("BEGIN IMMEDIATE"), IsOk());
  EXPECT_THAT(OpenSqliteRegistry(path(), {.busy_timeout = absl::ZeroDuration()}).status(),
              AllOf(FailsWith(StatusCode::kUnavailable, "REGISTRY_UNAVAILABLE"), SaysOf("locked")));
}

TEST_F(SqliteOpenTest, OpeningOnceMoreKeepsTheLocksOfTheFirst) {
  const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path());
  CreateActive(*registry, "acme");
  ASSERT_THAT(Open(path()), IsOk());
  // The last process that closes a database deletes the write-ahead log; if our
  // lock were gone, this one would take itself for the last.
  ASSERT_EQ(testing::Run({"sqlite3", path(), "SELECT COUNT(*) FROM connections"}).out, "1\n");
  EXPECT_TRUE(std::filesystem::exists(path() + "-wal"));
}

}  // namespace
}  // namespace keyward::registry
