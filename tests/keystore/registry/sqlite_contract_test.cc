// The contract of registries, kept by SQLite.
#include "keystore/registry/sqlite_registry.h"
#include "tests/keystore/registry/registry_contract.h"
#include "tests/testing/temp_dir.h"

namespace keyward::registry {
namespace {

class SqliteTestDatabase : public TestDatabase {
 public:
  std::unique_ptr<Registry> Open() override {
    // Patient, because the machine that runs the tests may be slow.
    absl::StatusOr<std::unique_ptr<Registry>> registry =
        OpenSqliteRegistry(dir_.File("registry.db"), {.busy_timeout = absl::Seconds(120)});
    EXPECT_THAT(registry.status(), IsOk());
    return *std::move(registry);
  }

 private:
  testing::TempDir dir_;
};

INSTANTIATE_TEST_SUITE_P(Sqlite, RegistryContractTest,
                         ::testing::Values(DatabaseUnderTest{
                             "Sqlite", [] { return std::make_unique<SqliteTestDatabase>(); }}));

}  // namespace
}  // namespace keyward::registry
