// Which of a connection's audiences stands first.
#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

ConnectionSettings WithAudiences(std::vector<std::string> audiences) {
  ConnectionSettings settings = SomeSettings();
  settings.audiences = std::move(audiences);
  return settings;
}

TEST_P(RegistryContractTest, AnAudienceIsPutFirstAndTheOthersKeepTheirOrder) {
  CreateActive(*registry_, "acme", WithAudiences({"a", "b", "c", "d"}));
  CreateActive(*registry_, "other", WithAudiences({"a", "c"}));
  const Connection before = *registry_->GetConnection("acme");
  const std::string other = EtagOf(*registry_, "other");

  const absl::StatusOr<Connection> preferred = registry_->PreferAudience("acme", "c");
  ASSERT_THAT(preferred.status(), IsOk());
  EXPECT_THAT(preferred->settings.audiences, ElementsAre("c", "a", "b", "d"));
  EXPECT_NE(preferred->etag, before.etag);
  EXPECT_GE(preferred->update_time, before.update_time);
  EXPECT_EQ(preferred->create_time, before.create_time);
  EXPECT_EQ(preferred->settings.consumer_key, before.settings.consumer_key);
  EXPECT_EQ(preferred->settings.login_url, before.settings.login_url);
  EXPECT_EQ(preferred->settings.subjects, before.settings.subjects);

  Reopen();
  const Connection after = *registry_->GetConnection("acme");
  EXPECT_THAT(after.settings.audiences, ElementsAre("c", "a", "b", "d"));
  EXPECT_EQ(after.etag, preferred->etag);
  EXPECT_EQ(after.update_time, preferred->update_time);
  EXPECT_EQ(EtagOf(*registry_, "other"), other);
  EXPECT_THAT(registry_->UpdateConnection("acme", after.settings, before.etag).status(),
              FailsWith(StatusCode::kAborted, "ETAG_MISMATCH"));
}

TEST_P(RegistryContractTest, WhatStandsFirstAlreadyChangesNothing) {
  CreateActive(*registry_, "acme", WithAudiences({"a", "b"}));
  const Connection before = *registry_->GetConnection("acme");
  const absl::StatusOr<Connection> preferred = registry_->PreferAudience("acme", "a");
  ASSERT_THAT(preferred.status(), IsOk());
  EXPECT_THAT(preferred->settings.audiences, ElementsAre("a", "b"));
  EXPECT_EQ(preferred->etag, before.etag);
  EXPECT_EQ(preferred->update_time, before.update_time);
  EXPECT_EQ(EtagOf(*registry_, "acme"), before.etag);
}

TEST_P(RegistryContractTest, OnlyAnAudienceOfTheConnectionIsPreferred) {
  CreateActive(*registry_, "acme", WithAudiences({"a", "b"}));
  CreateActive(*registry_, "none", WithAudiences({}));
  const std::string etag = EtagOf(*registry_, "acme");
  const auto unknown = FailsWith(StatusCode::kInvalidArgument, "AUDIENCE_UNKNOWN");
  for (const std::string& audience :
       {std::string(""), std::string("A"), std::string("b "), std::string("b\0", 2),
        std::string("\xFF"), std::string("c"), std::string(1 << 20, 'a')}) {
    const absl::Status status = registry_->PreferAudience("acme", audience).status();
    EXPECT_THAT(status, unknown);
    EXPECT_LT(status.message().size(), 200U);
  }
  EXPECT_THAT(registry_->PreferAudience("none", "a").status(), unknown);
  EXPECT_EQ(EtagOf(*registry_, "acme"), etag);
  EXPECT_THAT(registry_->GetConnection("acme")->settings.audiences, ElementsAre("a", "b"));

  ASSERT_THAT(registry_->CreateConnection("begun", WithAudiences({"a"}), NewKeyId(), "RS256", 2048)
                  .status(),
              IsOk());
  CreateActive(*registry_, "removed", WithAudiences({"a"}));
  Remove(*registry_, "removed");
  for (const std::string& name : {std::string(""), std::string("acm"), std::string("\xFF"),
                                  std::string("begun"), std::string("removed")}) {
    EXPECT_THAT(registry_->PreferAudience(name, "a").status(),
                FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND"));
  }
}

// An update that comes between must not be undone by what was read before it.
TEST_P(RegistryContractTest, APreferenceLosesNoUpdate) {
  constexpr int kRounds = 20;
  CreateActive(*registry_, "acme", WithAudiences({"a", "b", "c"}));
  const std::unique_ptr<Registry> second = database_->Open();
  std::thread preferring([&] {
    for (int i = 0; i < kRounds; ++i) {
      EXPECT_THAT(second->PreferAudience("acme", i % 2 == 0 ? "b" : "c").status(), IsOk());
    }
  });
  for (int i = 1; i <= kRounds;) {
    Connection connection = *registry_->GetConnection("acme");
    connection.settings.consumer_key = absl::StrCat(i);
    const absl::Status status =
        registry_->UpdateConnection("acme", connection.settings, connection.etag).status();
    if (status.ok()) {
      ++i;
    } else if (!absl::IsAborted(status)) {
      ADD_FAILURE() << status;
      break;
    }
  }
  preferring.join();
  const Connection after = *registry_->GetConnection("acme");
  EXPECT_EQ(after.settings.consumer_key, absl::StrCat(kRounds));
  EXPECT_THAT(after.settings.audiences, UnorderedElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace keyward::registry
