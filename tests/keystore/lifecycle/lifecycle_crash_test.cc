// Kills a process after every step of creation, addition and deletion, and looks at what
// start-up makes of what it left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "common/rsa_public_key.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/lifecycle/keystore_parts.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward {
namespace {

using pkcs11::Soon;

constexpr int kKilled = 128 + SIGKILL;

class LifecycleCrashTest : public pkcs11::TokenTest,
                           public ::testing::WithParamInterface<const char*> {
 protected:
  int Crash(const std::string& action, const std::string& step) {
    return testing::Run({KEYWARD_LIFECYCLE_CRASHER, dir_.File("registry.db"), action, step})
        .exit_code;
  }

  // As the signer does at its start.
  void Restart() {
    parts_ = std::make_unique<KeystoreParts>(dir_.File("registry.db"), OpenPool());
    registry_ = parts_->registry.get();
    pool_ = parts_->pool.get();
    lifecycle_ = std::make_unique<KeyLifecycle>(parts_->keystore, KeyLifecycleOptions{});
    const absl::Status finished = lifecycle_->FinishInterrupted(Soon());
    ASSERT_TRUE(finished.ok()) << finished;
    EXPECT_TRUE(registry_->ListUnfinished()->empty());
  }

  // Private keys on the token that no usable version in the registry is for.
  size_t Orphans() {
    auto lease = pool_->TakeForAdministration(Soon());
    auto found = *pkcs11::FindPrivateKeys(lease->session());
    const auto contents = registry_->Load();
    for (const auto& version : contents->key_versions) {
      std::erase_if(found, [&](const auto& key) { return key.key_id == version.key_id; });
    }
    return found.size();
  }

  testing::TempDir dir_;
  std::unique_ptr<KeystoreParts> parts_;
  registry::Registry* registry_ = nullptr;
  pkcs11::SessionPool* pool_ = nullptr;
  std::unique_ptr<KeyLifecycle> lifecycle_;
};

class CreationCrashTest : public LifecycleCrashTest {};

TEST_P(CreationCrashTest, LeavesAWholeConnectionOrNone) {
  ASSERT_EQ(Crash("create", GetParam()), kKilled);
  Restart();
  EXPECT_EQ(Orphans(), 0U);
  const auto connection = registry_->GetConnection("acme");
  const bool key_was_made = std::string(GetParam()) != "row-inserted";
  EXPECT_EQ(connection.ok(), key_was_made) << connection.status();
  if (connection.ok()) {
    const auto versions = *registry_->ListKeyVersions("acme");
    ASSERT_EQ(versions.size(), 1U);
    EXPECT_EQ(versions.front().state, registry::VersionState::kActive);
    const EvpPkeyPtr key = *PublicKeyOfCertificate(versions.front().certificate_der);
    ASSERT_TRUE(pool_->SetKeys({{versions.front().key_id, *ModulusOf(*key)}}, Soon()).ok());
    const auto lease = pool_->Take(Soon());
    EXPECT_TRUE(lease->FindKey(versions.front().key_id).ok());
    EXPECT_THAT(*pkcs11::FindCertificates(lease->session(), versions.front().key_id),
                ::testing::ElementsAre(versions.front().certificate_der));
  } else {
    EXPECT_TRUE(lifecycle_->CreateConnection("acme", {}, Soon()).ok()) << "the name is free";
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, CreationCrashTest,
                         ::testing::Values("row-inserted", "key-generated", "certificate-issued",
                                           "certificate-stored", "key-finished"));

class AdditionCrashTest : public LifecycleCrashTest {};

TEST_P(AdditionCrashTest, LeavesAWholePendingVersionOrNone) {
  ASSERT_EQ(Crash("create", "key-finished"), kKilled);
  ASSERT_EQ(Crash("add", GetParam()), kKilled);
  Restart();
  EXPECT_EQ(Orphans(), 0U);
  const auto versions = *registry_->ListKeyVersions("acme");
  const bool key_was_made = std::string(GetParam()) != "row-inserted";
  ASSERT_EQ(versions.size(), key_was_made ? 2U : 1U);
  EXPECT_EQ(versions.front().state, registry::VersionState::kActive) << "as before";
  if (key_was_made) {
    EXPECT_EQ(versions.back().state, registry::VersionState::kPending);
    const EvpPkeyPtr key = *PublicKeyOfCertificate(versions.back().certificate_der);
    ASSERT_TRUE(pool_->SetKeys({{versions.back().key_id, *ModulusOf(*key)}}, Soon()).ok());
    const auto lease = pool_->Take(Soon());
    EXPECT_TRUE(lease->FindKey(versions.back().key_id).ok());
    EXPECT_THAT(*pkcs11::FindCertificates(lease->session(), versions.back().key_id),
                ::testing::ElementsAre(versions.back().certificate_der));
  } else {
    const auto added = lifecycle_->AddVersion("acme", Soon());
    ASSERT_TRUE(added.ok()) << added.status();
    EXPECT_EQ(added->number, 3U) << "the number of the one that was undone is not used again";
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, AdditionCrashTest,
                         ::testing::Values("row-inserted", "key-generated", "certificate-issued",
                                           "certificate-stored", "key-finished"));

class DeletionCrashTest : public LifecycleCrashTest {};

TEST_P(DeletionCrashTest, LeavesNothingOnTheToken) {
  ASSERT_EQ(Crash("create", "key-finished"), kKilled);
  ASSERT_EQ(Crash("delete", GetParam()), kKilled);
  Restart();
  EXPECT_EQ(Orphans(), 0U);
  EXPECT_FALSE(registry_->GetConnection("acme").ok());
  auto lease = pool_->TakeForAdministration(Soon());
  EXPECT_TRUE(pkcs11::FindObjects(lease->session(), {})->empty());
}

INSTANTIATE_TEST_SUITE_P(Steps, DeletionCrashTest,
                         ::testing::Values("removal-begun", "key-destroyed",
                                           "destruction-finished"));

}  // namespace
}  // namespace keyward
