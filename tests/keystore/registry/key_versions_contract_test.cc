// Key versions: from the intention to the destroyed key, and removals.
#include "absl/strings/str_cat.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const auto kVersionNotFound = FailsWith(StatusCode::kNotFound, "KEY_VERSION_NOT_FOUND");
const auto kConnectionNotFound = FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND");
const auto kWrongState = FailsWith(StatusCode::kFailedPrecondition, "KEY_VERSION_WRONG_STATE");

TEST_P(RegistryContractTest, TheIntentionIsKeptBeforeTheKey) {
  const std::string key_id = NewKeyId();
  const KeyVersion created = *registry_->CreateConnection("acme", {}, key_id, "RS256", 3072);
  EXPECT_EQ(created.connection, "acme");
  EXPECT_EQ(created.number, 1U);
  EXPECT_EQ(created.state, VersionState::kGenerating);
  EXPECT_EQ(created.key_id, key_id);
  EXPECT_EQ(created.algorithm, "RS256");
  EXPECT_EQ(created.key_bits, 3072U);
  EXPECT_EQ(created.certificate_der, "");
  EXPECT_EQ(created.kid, "");
  Reopen();
  const std::vector<KeyVersion> unfinished = *registry_->ListUnfinished();
  ASSERT_EQ(unfinished.size(), 1U);
  ExpectVersion(unfinished[0], created);
}

TEST_P(RegistryContractTest, AFinishedGenerationKeepsWhatWasIssued) {
  KeyVersion expected = *registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048);
  const IssuedKey issued = AnotherCertificate();
  ASSERT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kPending, issued), IsOk());
  expected.state = VersionState::kPending;
  expected.certificate_der = issued.certificate_der;
  expected.certificate_chain = issued.certificate_chain;
  expected.kid = issued.kid;
  expected.certificate_not_after = issued.certificate_not_after;
  Reopen();
  const std::vector<KeyVersion> versions = *registry_->ListKeyVersions("acme");
  ASSERT_EQ(versions.size(), 1U);
  ExpectVersion(versions[0], expected);
  ASSERT_EQ(registry_->Load()->key_versions.size(), 1U);
  ExpectVersion(registry_->Load()->key_versions[0], expected);
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
}

TEST_P(RegistryContractTest, LongCertificatesStay) {
  ASSERT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  IssuedKey issued = SomeIssuedKey();
  for (int i = 0; i < 100'000; ++i) issued.certificate_der.push_back(static_cast<char>(i));
  ASSERT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kActive, issued), IsOk());
  Reopen();
  EXPECT_EQ(registry_->ListKeyVersions("acme")->front().certificate_der, issued.certificate_der);
}

TEST_P(RegistryContractTest, AGenerationIsFinishedOnce) {
  CreateActive(*registry_, "acme");
  IssuedKey other = SomeIssuedKey();
  other.kid = "other";
  EXPECT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kActive, other), kWrongState);
  EXPECT_THAT(registry_->UndoGeneration("acme", 1), kWrongState);
  EXPECT_THAT(registry_->FinishDestruction("acme", 1), kWrongState);
  EXPECT_EQ(registry_->ListKeyVersions("acme")->front().kid, SomeIssuedKey().kid);
}

TEST_P(RegistryContractTest, UnknownVersionsAreNotFound) {
  CreateActive(*registry_, "acme");
  struct Case {
    std::string connection;
    uint32_t number;
  };
  for (const Case& c : {Case{"acme", 0}, Case{"acme", 2}, Case{"acme", UINT32_MAX},
                        Case{"other", 1}, Case{"", 1}, Case{std::string("acme\0", 5), 1}}) {
    EXPECT_THAT(
        registry_->FinishGeneration(c.connection, c.number, VersionState::kActive, SomeIssuedKey()),
        kVersionNotFound);
    EXPECT_THAT(registry_->UndoGeneration(c.connection, c.number), kVersionNotFound);
    EXPECT_THAT(registry_->FinishDestruction(c.connection, c.number), kVersionNotFound);
  }
}

TEST_P(RegistryContractTest, AGenerationEndsOnlyWithACertificateAsPendingOrActive) {
  ASSERT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  for (VersionState state :
       {VersionState::kGenerating, VersionState::kRetiring, VersionState::kDisabled,
        VersionState::kDestroying, VersionState::kDestroyed}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(registry_->FinishGeneration("acme", 1, state, SomeIssuedKey())));
  }
  IssuedKey issued = SomeIssuedKey();
  issued.certificate_der.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(
      registry_->FinishGeneration("acme", 1, VersionState::kActive, issued)));
  issued = AnotherCertificate();
  issued.certificate_chain[1].clear();
  EXPECT_TRUE(absl::IsInvalidArgument(
      registry_->FinishGeneration("acme", 1, VersionState::kActive, issued)));
  issued = SomeIssuedKey();
  issued.kid = "\xFF";
  EXPECT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kActive, issued),
              FailsWith(StatusCode::kInvalidArgument, "INVALID_TEXT"));
  EXPECT_EQ(registry_->ListUnfinished()->front().state, VersionState::kGenerating);
}

TEST_P(RegistryContractTest, AnUndoneCreationLeavesOnlyItsNumber) {
  ASSERT_THAT(
      registry_->CreateConnection("acme", SomeSettings(), NewKeyId(), "RS256", 2048).status(),
      IsOk());
  ASSERT_THAT(registry_->UndoGeneration("acme", 1), IsOk());
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
  EXPECT_THAT(registry_->GetConnection("acme").status(), kConnectionNotFound);
  EXPECT_THAT(registry_->UndoGeneration("acme", 1), kVersionNotFound);
  EXPECT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kActive, SomeIssuedKey()),
              kVersionNotFound);
  Reopen();
  EXPECT_EQ(CreateActive(*registry_, "acme", OnlyConsumerKey("second")), 2U);
  EXPECT_EQ(registry_->GetConnection("acme")->settings.consumer_key, "second");
  EXPECT_EQ(CreateActive(*registry_, "other"), 1U);
}

TEST_P(RegistryContractTest, ARemovalStartsWithTheIntention) {
  CreateActive(*registry_, "acme");
  CreateActive(*registry_, "other");
  const std::string etag = EtagOf(*registry_, "acme");
  ASSERT_THAT(registry_->BeginRemoval("acme", etag), IsOk());
  Reopen();
  EXPECT_THAT(registry_->GetConnection("acme").status(), kConnectionNotFound);
  EXPECT_THAT(registry_->UpdateConnection("acme", {}, etag).status(), kConnectionNotFound);
  EXPECT_THAT(registry_->BeginRemoval("acme", etag), kConnectionNotFound);
  EXPECT_THAT(registry_->ListKeyVersions("acme").status(), kConnectionNotFound);
  EXPECT_THAT(NamesOf(*registry_->ListConnections("", 10)), ElementsAre("other"));
  const Contents contents = *registry_->Load();
  EXPECT_THAT(NamesOf(contents.connections), ElementsAre("other"));
  ASSERT_EQ(contents.key_versions.size(), 1U);
  EXPECT_EQ(contents.key_versions[0].connection, "other");

  const std::vector<KeyVersion> unfinished = *registry_->ListUnfinished();
  ASSERT_EQ(unfinished.size(), 1U);
  EXPECT_EQ(unfinished[0].connection, "acme");
  EXPECT_EQ(unfinished[0].state, VersionState::kDestroying);
  EXPECT_EQ(unfinished[0].certificate_der, SomeIssuedKey().certificate_der);

  EXPECT_THAT(registry_->UndoGeneration("acme", 1), kWrongState);
  EXPECT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kActive, SomeIssuedKey()),
              kWrongState);
  ASSERT_THAT(registry_->FinishDestruction("acme", 1), IsOk());
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
  EXPECT_THAT(registry_->FinishDestruction("acme", 1), kWrongState);
}

TEST_P(RegistryContractTest, NumbersGoOnAfterARemoval) {
  EXPECT_EQ(CreateActive(*registry_, "acme"), 1U);
  Remove(*registry_, "acme");
  Reopen();
  EXPECT_EQ(CreateActive(*registry_, "acme", OnlyConsumerKey("second")), 2U);
  const std::vector<KeyVersion> versions = *registry_->ListKeyVersions("acme");
  ASSERT_EQ(versions.size(), 1U);
  EXPECT_EQ(versions[0].number, 2U);
  EXPECT_EQ(registry_->GetConnection("acme")->settings.consumer_key, "second");
  EXPECT_EQ(registry_->Load()->key_versions.size(), 1U);
  Remove(*registry_, "acme");
  EXPECT_EQ(CreateActive(*registry_, "acme"), 3U);
}

TEST_P(RegistryContractTest, ANameIsFreeBeforeItsOldKeysAreDestroyed) {
  CreateActive(*registry_, "acme");
  ASSERT_THAT(registry_->BeginRemoval("acme", EtagOf(*registry_, "acme")), IsOk());
  EXPECT_EQ(CreateActive(*registry_, "acme"), 2U);
  ASSERT_EQ(registry_->ListUnfinished()->size(), 1U);
  EXPECT_EQ(registry_->ListUnfinished()->front().number, 1U);
  ASSERT_THAT(registry_->FinishDestruction("acme", 1), IsOk());
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
  EXPECT_EQ(registry_->ListKeyVersions("acme")->front().state, VersionState::kActive);
}

TEST_P(RegistryContractTest, UnfinishedVersionsComeInOrder) {
  ASSERT_THAT(registry_->CreateConnection("b", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  CreateActive(*registry_, "a");
  ASSERT_THAT(registry_->BeginRemoval("a", EtagOf(*registry_, "a")), IsOk());
  ASSERT_THAT(registry_->CreateConnection("a", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  const std::vector<KeyVersion> unfinished = *registry_->ListUnfinished();
  std::vector<std::string> order;
  for (const KeyVersion& version : unfinished) {
    order.push_back(absl::StrCat(version.connection, version.number));
  }
  EXPECT_THAT(order, ElementsAre("a1", "a2", "b1"));
}

}  // namespace
}  // namespace keyward::registry
