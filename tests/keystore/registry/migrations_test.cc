#include "keystore/registry/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "keystore/registry/sqlite_backend.h"
#include "keystore/registry/sqlite_registry.h"
#include "tests/keystore/registry/registry_contract.h"
#include "tests/keystore/registry/sqlite_statement.h"
#include "tests/testing/temp_dir.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;

class MigrationsTest : public ::testing::Test {
 protected:
  std::string path() const { return dir_.File("registry.db"); }

  absl::Status Run(absl::Span<const Migration> migrations) const {
    absl::StatusOr<std::unique_ptr<SqlBackend>> backend = SqliteBackend::New(path(), {});
    EXPECT_THAT(backend.status(), IsOk());
    return Migrate(**backend, migrations);
  }

  std::string Value(const std::string& sql) const { return SqliteValue(path(), sql); }

  testing::TempDir dir_;
};

const std::vector<Migration>& Three() {
  static const auto* const kThree = new std::vector<Migration>{
      {1, {"CREATE TABLE t (x BIGINT)", "INSERT INTO t VALUES (1)"}},
      {2, {"ALTER TABLE t ADD COLUMN y BIGINT", "UPDATE t SET y = x + 1"}},
      {3, {"INSERT INTO t VALUES (10, 20)"}},
  };
  return *kThree;
}

TEST_F(MigrationsTest, AreNumberedWithoutGaps) {
  ASSERT_FALSE(Migrations().empty());
  for (size_t i = 0; i < Migrations().size(); ++i) {
    EXPECT_EQ(Migrations()[i].number, static_cast<int>(i) + 1);
  }
}

TEST_F(MigrationsTest, FromEveryVersionToTheNewest) {
  const absl::Span<const Migration> all(Three());
  for (size_t from = 0; from <= all.size(); ++from) {
    const std::string file = dir_.File(absl::StrCat(from, ".db"));
    const std::unique_ptr<SqlBackend> backend = *SqliteBackend::New(file, {});
    ASSERT_THAT(Migrate(*backend, all.subspan(0, from)), IsOk());
    ASSERT_THAT(Migrate(*backend, all), IsOk());
    ASSERT_THAT(Migrate(*backend, all), IsOk()) << "again";
    EXPECT_EQ(SqliteValue(file, "SELECT group_concat(number) FROM schema_migrations"), "1,2,3");
    EXPECT_EQ(SqliteValue(file, "SELECT group_concat(x || ':' || y) FROM t"), "1:2,10:20");
  }
}

TEST_F(MigrationsTest, EveryReleasedVersionOpensAsTheNewest) {
  for (size_t from = 0; from <= Migrations().size(); ++from) {
    const std::string file = dir_.File(absl::StrCat(from, ".db"));
    ASSERT_THAT(Migrate(**SqliteBackend::New(file, {}), Migrations().subspan(0, from)), IsOk());
    const absl::StatusOr<std::unique_ptr<Registry>> registry = OpenSqliteRegistry(file);
    ASSERT_THAT(registry.status(), IsOk());
    EXPECT_EQ(CreateActive(**registry, "acme"), 1U);
    EXPECT_EQ(SqliteValue(file, "SELECT MAX(number) FROM schema_migrations"),
              absl::StrCat(Migrations().back().number));
  }
}

// A row that version 1 of the schema held reads as before, with an empty chain.
TEST_F(MigrationsTest, RowsWithoutAChainStay) {
  ASSERT_THAT(Run(Migrations().subspan(0, 1)), IsOk());
  ASSERT_TRUE(SqliteExecute(path(), R"sql(
INSERT INTO connection_names VALUES ('acme', 1, 2, 3);
INSERT INTO connections VALUES ('acme', 1, 0, 'consumer', 'SANDBOX', 'https://a', '["b"]', '["c"]',
  1, 3, 1000000, 2000000);
INSERT INTO key_versions VALUES ('acme', 1, 1, 'DISABLED', '0aff', 'RS256', 3072, 3000000, 'MAA=',
  'kid', 4000000);
INSERT INTO key_versions VALUES ('acme', 1, 2, 'GENERATING', '0b', 'RS256', 2048, 5000000, '', '',
  0);)sql")
                  .ok());
  const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path());
  KeyVersion expected{.connection = "acme",
                      .number = 1,
                      .state = VersionState::kDisabled,
                      .key_id = "\x0a\xff",
                      .algorithm = "RS256",
                      .key_bits = 3072,
                      .create_time = absl::FromUnixSeconds(3),
                      .certificate_der = std::string("\x30\0", 2),
                      .kid = "kid",
                      .certificate_not_after = absl::FromUnixSeconds(4)};
  ExpectVersion(registry->ListKeyVersions("acme")->front(), expected);
  EXPECT_EQ(registry->ListUnfinished()->front().key_id, "\x0b");

  IssuedKey issued = AnotherCertificate();
  issued.kid = "kid";
  ASSERT_THAT(registry->ReplaceCertificate("acme", 1, expected.certificate_der, issued), IsOk());
  EXPECT_EQ(registry->ListKeyVersions("acme")->front().certificate_chain, issued.certificate_chain);
}

// Rows of version 2 read as before: not frozen, without patterns, nothing to approve.
TEST_F(MigrationsTest, ConnectionsWithoutFreezesStay) {
  ASSERT_THAT(Run(Migrations().subspan(0, 2)), IsOk());
  ASSERT_TRUE(SqliteExecute(path(), R"sql(
INSERT INTO connection_names VALUES ('acme', 2, 2, 3);
INSERT INTO connections VALUES ('acme', 1, 1, 'old', 'CUSTOM', 'https://o', '[]', '[]', 0, 2,
  100000, 200000);
INSERT INTO connections VALUES ('acme', 2, 0, 'consumer', 'SANDBOX', 'https://a', '["b"]', '["c"]',
  1, 3, 1000000, 2000000);
INSERT INTO key_versions VALUES ('acme', 1, 1, 'DESTROYED', '0aff', 'RS256', 2048, 100000, 'MAA=',
  'kid 1', 4000000, '[]');
INSERT INTO key_versions VALUES ('acme', 2, 2, 'ACTIVE', '0b', 'RS256', 2048, 5000000, 'MAA=',
  'kid 2', 6000000, '["MAE="]');)sql")
                  .ok());
  const std::unique_ptr<Registry> registry = *OpenSqliteRegistry(path());
  const Contents contents = *registry->Load();
  EXPECT_FALSE(contents.emergency_freeze);
  ASSERT_EQ(contents.connections.size(), 1U);
  const Connection& acme = contents.connections.front();
  EXPECT_EQ(acme.settings.consumer_key, "consumer");
  EXPECT_EQ(acme.settings.subjects, std::vector<std::string>{"c"});
  EXPECT_TRUE(acme.settings.subject_patterns.empty());
  EXPECT_EQ(acme.etag, "3");
  EXPECT_EQ(acme.update_time, absl::FromUnixSeconds(2));
  EXPECT_FALSE(acme.frozen);
  EXPECT_EQ(acme.freeze_time, std::nullopt);
  ASSERT_EQ(contents.key_versions.size(), 1U);
  EXPECT_EQ(contents.key_versions.front().certificate_chain,
            std::vector<std::string>{std::string("\x30\x01", 2)});
  EXPECT_TRUE(registry->approvals().List("", false, absl::Now())->empty());

  EXPECT_TRUE(registry->SetFrozen("acme", true)->frozen);
  EXPECT_EQ(registry->AddKeyVersion("acme", "new", "RS256", 2048)->number, 3U);
}

TEST_F(MigrationsTest, AFailedStepLeavesTheOneBefore) {
  std::vector<Migration> broken = Three();
  broken[1].statements.emplace_back("INSERT INTO absent VALUES (1)");
  EXPECT_THAT(Run(broken), FailsWith(StatusCode::kUnavailable, "REGISTRY_UNAVAILABLE"));
  EXPECT_EQ(Value("SELECT group_concat(number) FROM schema_migrations"), "1");
  EXPECT_EQ(Value("SELECT COUNT(*) FROM pragma_table_info('t')"), "1");
  EXPECT_THAT(Run(Three()), IsOk());
  EXPECT_EQ(Value("SELECT group_concat(x || ':' || y) FROM t"), "1:2,10:20");
}

TEST_F(MigrationsTest, ANewerSchemaIsNotTouched) {
  ASSERT_THAT(Run(Three()), IsOk());
  const absl::Span<const Migration> older = absl::MakeConstSpan(Three()).subspan(0, 2);
  EXPECT_THAT(Run(older), FailsWith(StatusCode::kFailedPrecondition, "REGISTRY_SCHEMA_TOO_NEW"));
  EXPECT_EQ(Value("SELECT group_concat(number) FROM schema_migrations"), "1,2,3");
  EXPECT_THAT(Run({}), FailsWith(StatusCode::kFailedPrecondition, "REGISTRY_SCHEMA_TOO_NEW"));
}

}  // namespace
}  // namespace keyward::registry
