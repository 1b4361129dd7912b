// A registry in SQLite while things go wrong: locks, a full disk, a file that
// is taken away, rows that make no sense.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "keystore/registry/sqlite_registry.h"
#include "tests/keystore/registry/registry_contract.h"
#include "tests/keystore/registry/sqlite_statement.h"
#include "tests/testing/temp_dir.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::Not;

const auto kUnavailable = FailsWith(StatusCode::kUnavailable, "REGISTRY_UNAVAILABLE");

class SqliteFailureTest : public ::testing::Test {
 protected:
  std::string path() const { return dir_.File("registry.db"); }

  std::unique_ptr<Registry> Open() const {
    absl::StatusOr<std::unique_ptr<Registry>> registry =
        OpenSqliteRegistry(path(), {.busy_timeout = absl::ZeroDuration()});
    EXPECT_THAT(registry.status(), IsOk());
    return *std::move(registry);
  }

  testing::TempDir dir_;
};

TEST_F(SqliteFailureTest, ALockedDatabaseIsUnavailableAndReadable) {
  const std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  const std::string etag = EtagOf(*registry, "acme");
  const std::unique_ptr<SqliteStatements> other = SqliteStatements::Open(path());
  ASSERT_THAT(other->Execute("BEGIN IMMEDIATE"), IsOk());
  EXPECT_THAT(registry->UpdateConnection("acme", {}, etag).status(), kUnavailable);
  EXPECT_THAT(registry->BeginRemoval("acme", etag), kUnavailable);
  EXPECT_THAT(registry->CreateConnection("b", {}, NewKeyId(), "RS256", 2048).status(),
              kUnavailable);
  EXPECT_EQ(EtagOf(*registry, "acme"), etag);
  EXPECT_THAT(registry->Ping(), IsOk());
  ASSERT_THAT(other->Execute("COMMIT"), IsOk());
  EXPECT_THAT(registry->UpdateConnection("acme", {}, etag).status(), IsOk());
}

// While it lives, no file of this process grows beyond `bytes`.
auto LimitFiles(rlim_t bytes) {
  struct rlimit before {};
  getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit limit = before;
  limit.rlim_cur = bytes;
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &limit);
  return absl::Cleanup([before] { setrlimit(RLIMIT_FSIZE, &before); });
}

TEST_F(SqliteFailureTest, AFullDiskChangesNothing) {
  const std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  const std::string etag = EtagOf(*registry, "acme");
  const ConnectionSettings huge = OnlyConsumerKey(std::string(1 << 20, 'k'));
  {
    const auto limit = LimitFiles(std::filesystem::file_size(path() + "-wal") + 100'000);
    EXPECT_THAT(registry->UpdateConnection("acme", huge, etag).status(), kUnavailable);
    EXPECT_THAT(registry->CreateConnection("b", huge, NewKeyId(), "RS256", 2048).status(),
                kUnavailable);
    EXPECT_EQ(EtagOf(*registry, "acme"), etag);
  }
  EXPECT_THAT(registry->UpdateConnection("acme", huge, etag).status(), IsOk());
  EXPECT_EQ(registry->ListUnfinished()->size(), 0U);
  EXPECT_EQ(SqliteValue(path(), "PRAGMA integrity_check"), "ok");
}

TEST_F(SqliteFailureTest, AFileThatWasTakenAwayIsNotWritten) {
  std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  const std::string etag = EtagOf(*registry, "acme");
  std::filesystem::rename(path(), dir_.File("elsewhere.db"));
  EXPECT_THAT(registry->Ping(), kUnavailable);
  EXPECT_THAT(registry->UpdateConnection("acme", {}, etag).status(), kUnavailable);
  std::filesystem::rename(dir_.File("elsewhere.db"), path());
  EXPECT_THAT(registry->Ping(), IsOk());
  EXPECT_THAT(registry->UpdateConnection("acme", {}, etag).status(), IsOk());
}

TEST_F(SqliteFailureTest, ErrorsQuoteNoValues) {
  const std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  ASSERT_THAT(SqliteExecute(path(), "DROP TABLE key_versions; DROP TABLE connections"), IsOk());
  const absl::Status status = registry->GetConnection("acme").status();
  EXPECT_THAT(status, kUnavailable);
  EXPECT_THAT(std::string(status.message()), Not(::testing::HasSubstr("SELECT")));
  EXPECT_THAT(std::string(status.message()), Not(::testing::HasSubstr("acme")));
}

TEST_F(SqliteFailureTest, TheDatabaseItselfKeepsTheRules) {
  const std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  const std::unique_ptr<SqliteStatements> other = SqliteStatements::Open(path());
  ASSERT_THAT(other->Execute("PRAGMA foreign_keys = ON"), IsOk());
  const auto insert = [&](const std::string& connection, const std::string& number,
                          const std::string& state, const std::string& certificate) {
    return other->Execute(absl::StrCat(
        "INSERT INTO key_versions VALUES ('", connection, "', 1, ", number, ", '", state, "', 'k",
        number, "', 'RS256', 2048, 0,", " '", certificate, "', '', 0, '[]')"));
  };
  EXPECT_THAT(insert("acme", "2", "ACTIVE", "AA=="), Not(IsOk())) << "two ACTIVE";
  EXPECT_THAT(insert("acme", "1", "PENDING", "AA=="), Not(IsOk())) << "the same number";
  EXPECT_THAT(insert("acme", "0", "PENDING", "AA=="), Not(IsOk())) << "number 0";
  EXPECT_THAT(insert("acme", "4294967296", "PENDING", "AA=="), Not(IsOk())) << "beyond 32 bits";
  EXPECT_THAT(insert("acme", "2", "SLEEPING", "AA=="), Not(IsOk())) << "an unknown state";
  EXPECT_THAT(insert("acme", "2", "PENDING", ""), Not(IsOk())) << "no certificate";
  EXPECT_THAT(insert("other", "2", "PENDING", "AA=="), Not(IsOk())) << "no connection";
  EXPECT_THAT(insert("acme", "2", "PENDING", "AA=="), IsOk());
  EXPECT_THAT(other->Execute("UPDATE key_versions SET state = 'ACTIVE' WHERE number = 2"),
              Not(IsOk()));
  EXPECT_THAT(other->Execute("DELETE FROM connections"), Not(IsOk()));
}

TEST_F(SqliteFailureTest, OnlyOneVersionOfSeveralIsActive) {
  const std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  ASSERT_THAT(SqliteExecute(path(),
                            "INSERT INTO key_versions VALUES ('acme', 1, 2, 'GENERATING', 'ab', "
                            "'RS256', 2048, 0, '', '', 0, '[]')"),
              IsOk());
  EXPECT_EQ(registry->ListKeyVersions("acme")->size(), 1U);
  EXPECT_THAT(registry->FinishGeneration("acme", 2, VersionState::kActive, SomeIssuedKey()),
              FailsWith(StatusCode::kFailedPrecondition, "ACTIVE_KEY_VERSION_EXISTS"));
  EXPECT_THAT(registry->FinishGeneration("acme", 2, VersionState::kPending, SomeIssuedKey()),
              IsOk());
  EXPECT_EQ(registry->ListKeyVersions("acme")->size(), 2U);
}

TEST_F(SqliteFailureTest, UndoingASecondVersionKeepsTheConnection) {
  const std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  const std::string etag = EtagOf(*registry, "acme");
  const std::string second =
      "INSERT INTO key_versions VALUES ('acme', 1, 2, 'GENERATING', 'ab', 'RS256', 2048, 0, '', "
      "'', 0, '[]')";
  ASSERT_THAT(SqliteExecute(path(), second), IsOk());
  ASSERT_THAT(registry->UndoGeneration("acme", 2), IsOk());
  EXPECT_EQ(EtagOf(*registry, "acme"), etag);
  // A removal takes the one that is being generated with it.
  ASSERT_THAT(SqliteExecute(path(), second), IsOk());
  ASSERT_THAT(registry->BeginRemoval("acme", etag), IsOk());
  EXPECT_EQ(registry->ListUnfinished()->size(), 2U);
  EXPECT_THAT(registry->FinishDestruction("acme", 2), IsOk());
  EXPECT_THAT(registry->FinishDestruction("acme", 1), IsOk());
}

// Else whoever deletes the row, or restores half of the database, ends the freeze.
TEST_F(SqliteFailureTest, WithoutItsRowTheEmergencyFreezeIsNotOver) {
  const auto corrupt = FailsWith(StatusCode::kDataLoss, "REGISTRY_CORRUPT");
  const std::unique_ptr<Registry> registry = Open();
  ASSERT_THAT(registry->SetEmergencyFreeze(true), IsOk());
  ASSERT_THAT(SqliteExecute(path(), "DELETE FROM emergency_freeze"), IsOk());
  EXPECT_THAT(registry->GetEmergencyFreeze().status(), corrupt);
  EXPECT_THAT(registry->SetEmergencyFreeze(true), corrupt);
  EXPECT_THAT(registry->Load().status(), corrupt);
}

// Else whoever deletes the row has the signer believe that there was no log before.
TEST_F(SqliteFailureTest, AnAuditAnchorThatIsGoneOrMakesNoSenseIsDamage) {
  const auto corrupt = FailsWith(StatusCode::kDataLoss, "REGISTRY_CORRUPT");
  const std::unique_ptr<Registry> registry = Open();
  ASSERT_THAT(registry->SetAuditAnchor(7, std::string(64, 'a')), IsOk());
  for (const char* damage : {"UPDATE audit_anchor SET sha256 = 'x'",
                             "UPDATE audit_anchor SET sequence = 0", "DELETE FROM audit_anchor"}) {
    ASSERT_THAT(SqliteExecute(path(), damage), IsOk());
    EXPECT_THAT(registry->GetAuditAnchor().status(), corrupt) << damage;
    EXPECT_THAT(registry->SetAuditAnchor(8, std::string(64, 'b')), corrupt) << damage;
  }
}

TEST_F(SqliteFailureTest, ApprovalsThatMakeNoSenseAreDamage) {
  const auto corrupt = FailsWith(StatusCode::kDataLoss, "REGISTRY_CORRUPT");
  const std::unique_ptr<Registry> registry = Open();
  const absl::Time now = absl::Now();
  ASSERT_THAT(registry->approvals()
                  .Create({.name = "one",
                           .request_sha256 = "digest",
                           .requester = "dns:a",
                           .create_time = now,
                           .expire_time = now + absl::Hours(1)})
                  .status(),
              IsOk());
  for (const char* change : {"state = 'MAYBE'", "state = 'PENDING', changes = '{}'"}) {
    ASSERT_THAT(SqliteExecute(path(), absl::StrCat("PRAGMA ignore_check_constraints = ON; "
                                                   "UPDATE approvals SET ",
                                                   change)),
                IsOk());
    EXPECT_THAT(registry->approvals().Get("one").status(), corrupt);
    EXPECT_THAT(registry->approvals().List("", false, now).status(), corrupt);
    EXPECT_THAT(registry->approvals().Find("dns:a", "digest", now).status(), corrupt);
    EXPECT_THAT(registry->approvals().Use("one", now), corrupt);
  }
}

TEST_F(SqliteFailureTest, RowsThatMakeNoSenseAreDamage) {
  const auto corrupt = FailsWith(StatusCode::kDataLoss, "REGISTRY_CORRUPT");
  const std::unique_ptr<Registry> registry = Open();
  CreateActive(*registry, "acme");
  for (const char* change :
       {"connections SET audiences = 'x'", "connections SET audiences = '{}'",
        "connections SET subjects = '[1]'", "connections SET subject_patterns = ''",
        "connections SET environment = 'MOON'", "key_versions SET state = 'SLEEPING'",
        "key_versions SET key_id = 'xyz'", "key_versions SET key_id = ''",
        "key_versions SET certificate = '*'", "key_versions SET certificate_chain = ''",
        "key_versions SET certificate_chain = '[\"*\"]'",
        "key_versions SET certificate_chain = '[\"\"]'", "key_versions SET key_bits = -1"}) {
    const std::string copy_path = dir_.File("copy.db");
    std::filesystem::remove(copy_path);
    ASSERT_THAT(SqliteExecute(path(), "VACUUM INTO '" + copy_path + "'"), IsOk());
    const std::unique_ptr<Registry> copy = *OpenSqliteRegistry(copy_path);
    ASSERT_THAT(SqliteExecute(copy_path, absl::StrCat("PRAGMA ignore_check_constraints = ON; "
                                                      "UPDATE ",
                                                      change)),
                IsOk());
    EXPECT_THAT(copy->Load().status(), corrupt) << change;
  }
}

}  // namespace
}  // namespace keyward::registry
