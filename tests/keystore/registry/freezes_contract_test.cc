// Freezes, of one connection and of all.
#include "absl/strings/str_cat.h"
#include "keystore/registry/snapshot.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;

const auto kConnectionNotFound = FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND");

TEST_P(RegistryContractTest, AConnectionIsNotFrozenAtFirst) {
  CreateActive(*registry_, "acme");
  const Connection acme = *registry_->GetConnection("acme");
  EXPECT_FALSE(acme.frozen);
  EXPECT_EQ(acme.freeze_time, std::nullopt);
  EXPECT_FALSE(*registry_->GetEmergencyFreeze());
  EXPECT_FALSE(registry_->Load()->emergency_freeze);
}

TEST_P(RegistryContractTest, FreezingKeepsAllButTheFreeze) {
  CreateActive(*registry_, "acme");
  CreateActive(*registry_, "other");
  const Connection before = *registry_->GetConnection("acme");
  const Connection frozen = *registry_->SetFrozen("acme", true);
  EXPECT_TRUE(frozen.frozen);
  ASSERT_TRUE(frozen.freeze_time.has_value());
  EXPECT_GE(*frozen.freeze_time, before.update_time);
  EXPECT_EQ(*frozen.freeze_time, frozen.update_time);
  EXPECT_NE(frozen.etag, before.etag);
  EXPECT_EQ(frozen.create_time, before.create_time);
  EXPECT_EQ(frozen.settings.subject_patterns, before.settings.subject_patterns);
  EXPECT_EQ(frozen.settings.consumer_key, before.settings.consumer_key);
  Reopen();
  EXPECT_EQ(registry_->GetConnection("acme")->freeze_time, frozen.freeze_time);
  EXPECT_TRUE(registry_->Load()->connections.front().frozen);
  EXPECT_FALSE(registry_->GetConnection("other")->frozen);

  const Connection thawed = *registry_->SetFrozen("acme", false);
  EXPECT_FALSE(thawed.frozen);
  EXPECT_EQ(thawed.freeze_time, std::nullopt);
  EXPECT_NE(thawed.etag, frozen.etag);
  EXPECT_NE(thawed.etag, before.etag);
}

TEST_P(RegistryContractTest, FreezingAgainChangesNothing) {
  CreateActive(*registry_, "acme");
  const std::string etag = EtagOf(*registry_, "acme");
  EXPECT_EQ(registry_->SetFrozen("acme", false)->etag, etag);
  const Connection frozen = *registry_->SetFrozen("acme", true);
  const Connection again = *registry_->SetFrozen("acme", true);
  EXPECT_EQ(again.etag, frozen.etag);
  EXPECT_EQ(again.freeze_time, frozen.freeze_time);
  EXPECT_EQ(again.update_time, frozen.update_time);
}

TEST_P(RegistryContractTest, AnUpdateDoesNotThaw) {
  CreateActive(*registry_, "acme");
  const Connection frozen = *registry_->SetFrozen("acme", true);
  const Connection updated =
      *registry_->UpdateConnection("acme", OnlyConsumerKey("other"), frozen.etag);
  EXPECT_TRUE(updated.frozen);
  EXPECT_EQ(updated.freeze_time, frozen.freeze_time);
  EXPECT_THAT(updated.settings.subject_patterns, ElementsAre());
  ASSERT_THAT(registry_->UpdateConnection("acme", SomeSettings(), updated.etag).status(), IsOk());
  EXPECT_TRUE(registry_->PreferAudience("acme", SomeSettings().audiences[1])->frozen);
}

TEST_P(RegistryContractTest, OnlyWhatIsThereIsFrozen) {
  EXPECT_THAT(registry_->SetFrozen("acme", true).status(), kConnectionNotFound);
  EXPECT_THAT(registry_->SetFrozen("", true).status(), kConnectionNotFound);
  ASSERT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  EXPECT_THAT(registry_->SetFrozen("acme", true).status(), kConnectionNotFound)
      << "it is being created";
}

TEST_P(RegistryContractTest, ANewConnectionOfAFrozenNameIsNotFrozen) {
  CreateActive(*registry_, "acme");
  ASSERT_THAT(registry_->SetFrozen("acme", true).status(), IsOk());
  Remove(*registry_, "acme");
  CreateActive(*registry_, "acme");
  EXPECT_FALSE(registry_->GetConnection("acme")->frozen);
}

TEST_P(RegistryContractTest, TheEmergencyFreezeIsKept) {
  CreateActive(*registry_, "acme");
  const std::string etag = EtagOf(*registry_, "acme");
  for (const bool frozen : {true, true, false, false, true}) {
    ASSERT_THAT(registry_->SetEmergencyFreeze(frozen), IsOk());
    Reopen();
    EXPECT_EQ(*registry_->GetEmergencyFreeze(), frozen);
    EXPECT_EQ(registry_->Load()->emergency_freeze, frozen);
  }
  EXPECT_FALSE(registry_->GetConnection("acme")->frozen);
  EXPECT_EQ(EtagOf(*registry_, "acme"), etag);
}

TEST_P(RegistryContractTest, ASnapshotHasTheFreezes) {
  ASSERT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  IssuedKey issued = SomeIssuedKey();
  ASSERT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kActive, issued), IsOk());
  ASSERT_THAT(registry_->SetFrozen("acme", true).status(), IsOk());
  ASSERT_THAT(registry_->SetEmergencyFreeze(true), IsOk());
  Contents contents = *registry_->Load();
  contents.key_versions.clear();  // their certificates are none
  const auto snapshot = *Snapshot::New(contents);
  EXPECT_TRUE(snapshot->emergency_freeze());
  EXPECT_TRUE(snapshot->FindConnection("acme")->frozen);
  contents.emergency_freeze = false;
  EXPECT_FALSE((*Snapshot::New(contents))->emergency_freeze());
}

TEST_P(RegistryContractTest, TheAuditConnectionIsNotListed) {
  CreateActive(*registry_, kAuditConnection);
  CreateActive(*registry_, "acme");
  EXPECT_THAT(NamesOf(*registry_->ListConnections("", 10)), ElementsAre("acme"));
  EXPECT_THAT(NamesOf(*registry_->ListConnections("", 1)), ElementsAre("acme"))
      << "nor does it take another's place";
  EXPECT_THAT(NamesOf(*registry_->ListConnections(".", 10)), ElementsAre("acme"));
  EXPECT_EQ(registry_->GetConnection(kAuditConnection)->name, kAuditConnection);
  EXPECT_EQ(registry_->ListKeyVersions(kAuditConnection)->size(), 1U);
  EXPECT_THAT(NamesOf(registry_->Load()->connections), ElementsAre(kAuditConnection, "acme"));
}

}  // namespace
}  // namespace keyward::registry
