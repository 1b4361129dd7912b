// Several threads, and several registries on one database.
#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/keystore/registry/registry_contract.h"

namespace keyward::registry {
namespace {

using absl::StatusCode;

constexpr int kThreads = 4;

void RunThreads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// Every thread adds one to the consumer key `rounds` times, each time from what
// it read; with lost updates the sum would be smaller.
void ExpectNoLostUpdate(const std::function<Registry&(int)>& registry_of, int rounds) {
  std::atomic<int> lost_races{0};
  RunThreads([&](int thread) {
    Registry& registry = registry_of(thread);
    for (int done = 0; done < rounds;) {
      Connection connection = *registry.GetConnection("acme");
      int value = 0;
      ASSERT_TRUE(absl::SimpleAtoi(connection.settings.consumer_key, &value));
      connection.settings.consumer_key = absl::StrCat(value + 1);
      const absl::Status status =
          registry.UpdateConnection("acme", connection.settings, connection.etag).status();
      if (status.ok()) {
        ++done;
      } else {
        ASSERT_THAT(status, FailsWith(StatusCode::kAborted, "ETAG_MISMATCH"));
        ++lost_races;
      }
    }
  });
  EXPECT_EQ(registry_of(0).GetConnection("acme")->settings.consumer_key,
            absl::StrCat(kThreads * rounds));
}

TEST_P(RegistryContractTest, NoUpdateIsLostAmongThreads) {
  CreateActive(*registry_, "acme", OnlyConsumerKey("0"));
  ExpectNoLostUpdate([this](int) -> Registry& { return *registry_; }, 25);
}

TEST_P(RegistryContractTest, NoUpdateIsLostAmongRegistries) {
  CreateActive(*registry_, "acme", OnlyConsumerKey("0"));
  std::vector<std::unique_ptr<Registry>> registries;
  for (int i = 0; i < kThreads; ++i) registries.push_back(database_->Open());
  ExpectNoLostUpdate([&](int thread) -> Registry& { return *registries[thread]; }, 15);
}

TEST_P(RegistryContractTest, OneUpdateWinsPerEtag) {
  CreateActive(*registry_, "acme");
  for (int round = 0; round < 10; ++round) {
    const std::string etag = EtagOf(*registry_, "acme");
    std::atomic<int> winners{0};
    RunThreads([&](int thread) {
      const absl::Status status =
          registry_->UpdateConnection("acme", OnlyConsumerKey(absl::StrCat(thread)), etag).status();
      if (status.ok()) ++winners;
    });
    EXPECT_EQ(winners, 1);
  }
}

TEST_P(RegistryContractTest, OneCreationWinsPerName) {
  std::vector<std::unique_ptr<Registry>> registries;
  for (int i = 0; i < kThreads; ++i) registries.push_back(database_->Open());
  for (int round = 0; round < 5; ++round) {
    const std::string name = absl::StrCat("c", round);
    std::atomic<int> winners{0};
    RunThreads([&](int thread) {
      const absl::Status status =
          registries[thread]->CreateConnection(name, {}, NewKeyId(), "RS256", 2048).status();
      if (status.ok()) {
        ++winners;
      } else {
        EXPECT_THAT(status, FailsWith(StatusCode::kAlreadyExists, "CONNECTION_EXISTS"));
      }
    });
    EXPECT_EQ(winners, 1);
  }
  EXPECT_EQ(registry_->ListUnfinished()->size(), 5U);
}

TEST_P(RegistryContractTest, NumbersAreUniqueAmongRegistries) {
  std::vector<std::unique_ptr<Registry>> registries;
  for (int i = 0; i < kThreads; ++i) registries.push_back(database_->Open());
  std::vector<std::vector<uint32_t>> numbers(kThreads);
  RunThreads([&](int thread) {
    while (numbers[thread].size() < 5) {
      const absl::StatusOr<KeyVersion> version =
          registries[thread]->CreateConnection("acme", {}, NewKeyId(), "RS256", 2048);
      if (!version.ok()) continue;
      numbers[thread].push_back(version->number);
      ASSERT_THAT(registries[thread]->UndoGeneration("acme", version->number), IsOk());
    }
  });
  std::set<uint32_t> distinct;
  for (const std::vector<uint32_t>& some : numbers) distinct.insert(some.begin(), some.end());
  EXPECT_EQ(distinct.size(), kThreads * 5U);
  EXPECT_EQ(*distinct.rbegin(), kThreads * 5U);
}

TEST_P(RegistryContractTest, OneReplacementWinsPerCertificate) {
  CreateActive(*registry_, "acme");
  std::vector<std::unique_ptr<Registry>> registries;
  for (int i = 0; i < kThreads; ++i) registries.push_back(database_->Open());
  for (int round = 0; round < 10; ++round) {
    const std::string current = registry_->ListKeyVersions("acme")->front().certificate_der;
    std::atomic<int> winner{-1};
    RunThreads([&](int thread) {
      const absl::Status status = registries[thread]->ReplaceCertificate(
          "acme", 1, current, AnotherCertificate(absl::StrCat(round, "/", thread)));
      if (status.ok()) {
        EXPECT_EQ(winner.exchange(thread), -1);
      } else {
        EXPECT_THAT(status, FailsWith(StatusCode::kAborted, "CERTIFICATE_CHANGED"));
      }
    });
    ASSERT_NE(winner, -1);
    const IssuedKey expected = AnotherCertificate(absl::StrCat(round, "/", winner.load()));
    const KeyVersion stored = registry_->ListKeyVersions("acme")->front();
    EXPECT_EQ(stored.certificate_der, expected.certificate_der);
    EXPECT_EQ(stored.certificate_chain, expected.certificate_chain);
  }
}

TEST_P(RegistryContractTest, OneAdoptionWinsPerKey) {
  std::vector<std::unique_ptr<Registry>> registries;
  for (int i = 0; i < kThreads; ++i) {
    registries.push_back(database_->Open());
    CreateActive(*registry_, absl::StrCat("c", i));
  }
  for (uint32_t round = 1; round <= 5; ++round) {
    const std::string key_id = NewKeyId();
    std::atomic<int> winners{0};
    RunThreads([&](int thread) {
      const absl::Status status =
          registries[thread]
              ->AdoptKeyVersion(absl::StrCat("c", thread), key_id, "RS256", 2048, SomeIssuedKey())
              .status();
      if (status.ok()) {
        ++winners;
      } else {
        EXPECT_THAT(status, FailsWith(StatusCode::kAlreadyExists, "KEY_ID_EXISTS"));
      }
    });
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(registry_->Load()->key_versions.size(), kThreads + round);
  }
}

TEST_P(RegistryContractTest, LoadSeesOneMoment) {
  std::unique_ptr<Registry> writer = database_->Open();
  std::atomic<bool> stop{false};
  std::thread writing([&] {
    for (int i = 0; i < 30; ++i) {
      CreateActive(*writer, "acme");
      Remove(*writer, "acme");
    }
    stop = true;
  });
  while (!stop) {
    const Contents contents = *registry_->Load();
    EXPECT_EQ(contents.connections.size(), contents.key_versions.size());
  }
  writing.join();
}

TEST_P(RegistryContractTest, OneRegistrySeesWhatAnotherDid) {
  std::unique_ptr<Registry> other = database_->Open();
  CreateActive(*other, "acme");
  EXPECT_THAT(registry_->GetConnection("acme").status(), IsOk());
  Remove(*registry_, "acme");
  EXPECT_THAT(other->GetConnection("acme").status(),
              FailsWith(StatusCode::kNotFound, "CONNECTION_NOT_FOUND"));
}

}  // namespace
}  // namespace keyward::registry
