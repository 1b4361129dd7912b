// Key versions after the first: generated, undone, and made ACTIVE.
#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const auto kConnectionNotFound = FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND");
const auto kVersionNotFound = FailsWith(StatusCode::kNotFound, "KEY_VERSION_NOT_FOUND");
const auto kWrongState = FailsWith(StatusCode::kFailedPrecondition, "KEY_VERSION_WRONG_STATE");
const auto kInvalidText = FailsWith(StatusCode::kInvalidArgument, "INVALID_TEXT");

// Adds a version whole, PENDING; returns its number.
uint32_t AddPending(Registry& registry, absl::string_view connection) {
  const absl::StatusOr<KeyVersion> added =
      registry.AddKeyVersion(connection, NewKeyId(), "RS256", 2048);
  EXPECT_THAT(added.status(), IsOk());
  EXPECT_THAT(
      registry.FinishGeneration(connection, added->number, VersionState::kPending, SomeIssuedKey()),
      IsOk());
  return added->number;
}

// "1 ACTIVE", "2 PENDING" ...
std::vector<std::string> StatesOf(Registry& registry, absl::string_view connection) {
  constexpr const char* kWords[] = {"GENERATING", "PENDING",    "ACTIVE",   "RETIRING",
                                    "DISABLED",   "DESTROYING", "DESTROYED"};
  std::vector<std::string> states;
  const absl::StatusOr<std::vector<KeyVersion>> versions = registry.ListKeyVersions(connection);
  EXPECT_THAT(versions.status(), IsOk());
  for (const KeyVersion& version : *versions) {
    states.push_back(absl::StrCat(version.number, " ", kWords[static_cast<int>(version.state)]));
  }
  return states;
}

TEST_P(RegistryContractTest, AFurtherVersionBeginsAsAnIntention) {
  CreateActive(*registry_, "acme");
  const std::string key_id = NewKeyId();
  const KeyVersion added = *registry_->AddKeyVersion("acme", key_id, "RS256", 3072);
  EXPECT_EQ(added.connection, "acme");
  EXPECT_EQ(added.number, 2U);
  EXPECT_EQ(added.state, VersionState::kGenerating);
  EXPECT_EQ(added.key_id, key_id);
  EXPECT_EQ(added.algorithm, "RS256");
  EXPECT_EQ(added.key_bits, 3072U);
  EXPECT_EQ(added.certificate_der, "");
  Reopen();
  const std::vector<KeyVersion> unfinished = *registry_->ListUnfinished();
  ASSERT_EQ(unfinished.size(), 1U);
  ExpectVersion(unfinished[0], added);
  EXPECT_THAT(StatesOf(*registry_, "acme"), ElementsAre("1 ACTIVE"));

  ASSERT_THAT(registry_->FinishGeneration("acme", 2, VersionState::kPending, SomeIssuedKey()),
              IsOk());
  EXPECT_THAT(StatesOf(*registry_, "acme"), ElementsAre("1 ACTIVE", "2 PENDING"));
}

TEST_P(RegistryContractTest, AnUndoneVersionLeavesTheOthersAndItsNumberUsed) {
  CreateActive(*registry_, "acme");
  const std::string etag = EtagOf(*registry_, "acme");
  ASSERT_THAT(registry_->AddKeyVersion("acme", NewKeyId(), "RS256", 2048).status(), IsOk());
  ASSERT_THAT(registry_->UndoGeneration("acme", 2), IsOk());
  EXPECT_THAT(registry_->UndoGeneration("acme", 2), kVersionNotFound);
  EXPECT_THAT(StatesOf(*registry_, "acme"), ElementsAre("1 ACTIVE"));
  EXPECT_EQ(EtagOf(*registry_, "acme"), etag);
  EXPECT_EQ(AddPending(*registry_, "acme"), 3U);
}

TEST_P(RegistryContractTest, AnUnfinishedVersionGoesWithItsConnection) {
  CreateActive(*registry_, "acme");
  ASSERT_THAT(registry_->AddKeyVersion("acme", NewKeyId(), "RS256", 2048).status(), IsOk());
  Remove(*registry_, "acme");
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
  EXPECT_EQ(CreateActive(*registry_, "acme"), 3U);
}

TEST_P(RegistryContractTest, AFurtherVersionNeedsAConnectionAndAFreeIdentifier) {
  const auto add = [&](absl::string_view connection, absl::string_view key_id,
                       absl::string_view algorithm) {
    return registry_->AddKeyVersion(connection, key_id, algorithm, 2048).status();
  };
  EXPECT_THAT(add("acme", NewKeyId(), "RS256"), kConnectionNotFound);
  EXPECT_THAT(add("", NewKeyId(), "RS256"), kConnectionNotFound);
  CreateActive(*registry_, "acme");
  const std::string used = registry_->ListKeyVersions("acme")->front().key_id;
  EXPECT_THAT(add("acme", used, "RS256"), FailsWith(StatusCode::kAlreadyExists, "KEY_ID_EXISTS"));
  EXPECT_EQ(add("acme", "", "RS256").code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(add("acme", NewKeyId(), "\xFF"), kInvalidText);
  Remove(*registry_, "acme");
  EXPECT_THAT(add("acme", NewKeyId(), "RS256"), kConnectionNotFound);
  EXPECT_THAT(*registry_->ListUnfinished(), IsEmpty());
}

TEST_P(RegistryContractTest, TheNextVersionTakesOver) {
  CreateActive(*registry_, "acme");
  AddPending(*registry_, "acme");
  AddPending(*registry_, "acme");
  ASSERT_THAT(registry_->MakeActive("acme", 2, VersionState::kRetiring), IsOk());
  EXPECT_THAT(StatesOf(*registry_, "acme"), ElementsAre("1 RETIRING", "2 ACTIVE", "3 PENDING"));
  ASSERT_THAT(registry_->MakeActive("acme", 3, VersionState::kDisabled), IsOk());
  Reopen();
  EXPECT_THAT(StatesOf(*registry_, "acme"), ElementsAre("1 RETIRING", "2 DISABLED", "3 ACTIVE"));
}

TEST_P(RegistryContractTest, AVersionTakesOverWhereNoneIsActive) {
  ASSERT_THAT(registry_->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048).status(), IsOk());
  ASSERT_THAT(registry_->FinishGeneration("acme", 1, VersionState::kPending, SomeIssuedKey()),
              IsOk());
  CreateActive(*registry_, "other");
  ASSERT_THAT(registry_->MakeActive("acme", 1, VersionState::kDisabled), IsOk());
  EXPECT_THAT(StatesOf(*registry_, "acme"), ElementsAre("1 ACTIVE"));
  EXPECT_THAT(StatesOf(*registry_, "other"), ElementsAre("1 ACTIVE"));
}

TEST_P(RegistryContractTest, OnlyAPendingVersionTakesOver) {
  CreateActive(*registry_, "acme");
  AddPending(*registry_, "acme");
  ASSERT_THAT(registry_->MakeActive("acme", 2, VersionState::kRetiring), IsOk());
  ASSERT_THAT(registry_->AddKeyVersion("acme", NewKeyId(), "RS256", 2048).status(), IsOk());
  for (const uint32_t number : {1U, 2U, 3U}) {
    EXPECT_THAT(registry_->MakeActive("acme", number, VersionState::kDisabled), kWrongState);
  }
  EXPECT_THAT(registry_->MakeActive("acme", 4, VersionState::kDisabled), kVersionNotFound);
  EXPECT_THAT(registry_->MakeActive("other", 1, VersionState::kDisabled), kVersionNotFound);
  AddPending(*registry_, "acme");
  EXPECT_EQ(registry_->MakeActive("acme", 4, VersionState::kActive).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(registry_->MakeActive("acme", 4, VersionState::kDestroyed).code(),
            StatusCode::kInvalidArgument);
  EXPECT_THAT(StatesOf(*registry_, "acme"), ElementsAre("1 RETIRING", "2 ACTIVE", "4 PENDING"));
}

TEST_P(RegistryContractTest, OneIsActiveWhoeverTakesOverAtOnce) {
  constexpr uint32_t kVersions = 4;
  CreateActive(*registry_, "acme");
  for (uint32_t i = 0; i < kVersions; ++i) AddPending(*registry_, "acme");
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < kVersions; ++i) {
    threads.emplace_back([&, number = 2 + i] {
      EXPECT_THAT(database_->Open()->MakeActive("acme", number, VersionState::kRetiring), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  int active = 0;
  for (const std::string& state : StatesOf(*registry_, "acme")) {
    active += state.ends_with("ACTIVE") ? 1 : 0;
  }
  EXPECT_EQ(active, 1);
}

}  // namespace
}  // namespace keyward::registry
