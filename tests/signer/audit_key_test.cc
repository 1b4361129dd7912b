#include "signer/audit_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/connection_name.h"
#include "common/error.h"
#include "common/rsa_public_key.h"
#include "keystore/pkcs11/object_finder.h"
#include "signer/audit/checkpoint_signature.h"
#include "tests/keystore/lifecycle/keystore_parts.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward::signer {
namespace {

using pkcs11::Soon;
using registry::kAuditConnection;
using registry::KeyVersion;
using registry::VersionState;

constexpr char kStatement[] = "keyward audit checkpoint v1\n12\nab\n2026-01-02T03:04:05Z\n";

class AuditKeyTest : public pkcs11::FaultyTokenTest {
 protected:
  AuditKeyTest() { Restart(); }

  // As the signer does at its start, but for what was interrupted.
  void Restart() {
    lifecycle_.reset();
    parts_.reset();
    parts_ = std::make_unique<KeystoreParts>(
        dir_.File("registry.db"),
        OpenPool({.reload_interval = absl::ZeroDuration(), .retry_interval = absl::ZeroDuration()},
                 module()));
    lifecycle_ = std::make_unique<KeyLifecycle>(parts_->keystore, KeyLifecycleOptions{});
    ASSERT_TRUE(SetKeys().ok());
    snapshots_.Set(*registry::Snapshot::New(*parts_->registry->Load()));
  }

  absl::Status SetKeys() {
    pkcs11::ExpectedKeys keys;
    const auto contents = *parts_->registry->Load();
    for (const KeyVersion& version : contents.key_versions) {
      keys[version.key_id] = *ModulusOf(**PublicKeyOfCertificate(version.certificate_der));
    }
    return parts_->pool->SetKeys(std::move(keys), Soon());
  }

  absl::Status Refresh() {
    ++refreshes_;
    if (!refresh_error_.ok()) return refresh_error_;
    snapshots_.Set(*registry::Snapshot::New(*parts_->registry->Load()));
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<AuditKey>> NewKey() {
    return AuditKey::New({parts_->keystore, *lifecycle_, snapshots_, [this] { return Refresh(); }},
                         Soon());
  }

  std::vector<std::string> States(AuditKey& key) {
    const std::vector<KeyVersion> versions = *key.Versions();
    std::vector<std::string> states;
    for (const KeyVersion& version : versions) {
      const char* word = version.state == VersionState::kActive     ? "ACTIVE"
                         : version.state == VersionState::kDisabled ? "DISABLED"
                         : version.state == VersionState::kPending  ? "PENDING"
                                                                    : "another";
      states.push_back(std::to_string(version.number) + " " + word);
    }
    return states;
  }

  static void ExpectSignedBy(const KeyVersion& version, const CheckpointSignature& signature) {
    EXPECT_EQ(signature.kid, version.kid);
    EXPECT_EQ(signature.key_version, version.number);
    const EvpPkeyPtr key = *PublicKeyOfCertificate(version.certificate_der);
    EXPECT_TRUE(VerifyRs256(*key, kStatement, signature.signature).ok());
  }

  size_t PrivateKeysOnToken() {
    auto lease = parts_->pool->TakeForAdministration(Soon());
    return pkcs11::FindPrivateKeys(lease->session())->size();
  }

  keyward::testing::TempDir dir_;
  std::unique_ptr<KeystoreParts> parts_;
  std::unique_ptr<KeyLifecycle> lifecycle_;
  registry::SnapshotHolder snapshots_{*registry::Snapshot::New({})};
  int refreshes_ = 0;
  absl::Status refresh_error_;
};

TEST_F(AuditKeyTest, IsMadeAtTheFirstStartAndKeptAtTheNext) {
  auto key = NewKey();
  ASSERT_TRUE(key.ok()) << key.status();
  const std::vector<KeyVersion> versions = *(*key)->Versions();
  ASSERT_EQ(versions.size(), 1U);
  EXPECT_EQ(versions.front().state, VersionState::kActive);
  const auto signature = (*key)->Sign(kStatement, Soon());
  ASSERT_TRUE(signature.ok()) << signature.status();
  ExpectSignedBy(versions.front(), *signature);
  EXPECT_EQ(refreshes_, 1);

  Restart();
  key = NewKey();
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(refreshes_, 1) << "the snapshot had it";
  EXPECT_EQ(PrivateKeysOnToken(), 1U);
  ExpectSignedBy(versions.front(), *(*key)->Sign(kStatement, Soon()));
}

TEST_F(AuditKeyTest, NoCallCanNameIt) {
  EXPECT_EQ(ReasonOf(CheckConnectionName(kAuditConnection)), "CONNECTION_NAME_INVALID");
  ASSERT_TRUE(NewKey().ok());
  EXPECT_TRUE(parts_->registry->ListConnections("", 10)->empty());
}

TEST_F(AuditKeyTest, WhatAKillLeftWithoutAKeyIsUndoneAndMadeAnew) {
  ASSERT_TRUE(
      parts_->registry->CreateConnection(kAuditConnection, {}, "its id", "RS256", 2048).ok());
  const auto key = NewKey();
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(States(**key), std::vector<std::string>{"2 ACTIVE"});
  EXPECT_TRUE((*key)->Sign(kStatement, Soon()).ok());
}

TEST_F(AuditKeyTest, WhatAKillLeftWithAKeyIsFinished) {
  ASSERT_TRUE(
      parts_->registry->CreateConnection(kAuditConnection, {}, "its id", "RS256", 2048).ok());
  {
    auto lease = parts_->pool->TakeForAdministration(Soon());
    ASSERT_TRUE(
        pkcs11::GenerateRsaKeyPair(lease->session(), "keyward/.audit/1", "its id", 2048).ok());
  }
  const auto key = NewKey();
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(States(**key), std::vector<std::string>{"1 ACTIVE"});
  EXPECT_EQ(PrivateKeysOnToken(), 1U);
  EXPECT_TRUE((*key)->Sign(kStatement, Soon()).ok());
}

TEST_F(AuditKeyTest, IsNotMadeWhereTheTokenFails) {
  SetFaults("C_GenerateKeyPair 0x31\n");
  EXPECT_FALSE(NewKey().ok());
  SetFaults("");
  EXPECT_TRUE(NewKey().ok());
  EXPECT_EQ(PrivateKeysOnToken(), 1U);
}

TEST_F(AuditKeyTest, TellsWhenTheSnapshotIsNotRefreshed) {
  refresh_error_ = absl::DataLossError("damaged");
  EXPECT_EQ(NewKey().status(), refresh_error_);
}

TEST_F(AuditKeyTest, ASignatureThatDoesNotVerifyDoesNotLeave) {
  const auto key = *NewKey();
  SetFaults("C_Sign corrupt\n");
  EXPECT_EQ(ReasonOf(key->Sign(kStatement, Soon()).status()), "SIGNATURE_INVALID");
  SetFaults("");
  EXPECT_TRUE(key->Sign(kStatement, Soon()).ok());
}

TEST_F(AuditKeyTest, SignsAgainOnceTheTokenDoes) {
  const auto key = *NewKey();
  SetFaults("C_Sign 0x30\n");
  EXPECT_EQ(ReasonOf(key->Sign(kStatement, Soon()).status()), "TOKEN_UNAVAILABLE");
  SetFaults("");
  EXPECT_TRUE(key->Sign(kStatement, Soon()).ok());
}

TEST_F(AuditKeyTest, SignsNothingPastTheDeadline) {
  const auto key = *NewKey();
  EXPECT_EQ(ReasonOf(key->Sign(kStatement, absl::InfinitePast()).status()), "DEADLINE_PASSED");
}

TEST_F(AuditKeyTest, AfterARotationOnlyTheNewOneSigns) {
  const auto key = *NewKey();
  const KeyVersion first = key->Versions()->front();
  const CheckpointSignature before = *key->Sign(kStatement, Soon());
  const auto rotated = key->Rotate(Soon());
  ASSERT_TRUE(rotated.ok()) << rotated.status();
  EXPECT_EQ(rotated->number, 2U);
  EXPECT_EQ(rotated->state, VersionState::kActive);
  EXPECT_EQ(States(*key), (std::vector<std::string>{"1 DISABLED", "2 ACTIVE"}));
  ExpectSignedBy(*rotated, *key->Sign(kStatement, Soon()));
  const std::vector<KeyVersion> versions = *key->Versions();
  ExpectSignedBy(versions.front(), before);
  EXPECT_EQ(versions.front().certificate_der, first.certificate_der);

  Restart();
  ExpectSignedBy(*rotated, *(*NewKey())->Sign(kStatement, Soon()));
}

TEST_F(AuditKeyTest, AFailedRotationLeavesTheFormer) {
  const auto key = *NewKey();
  SetFaults("C_GenerateKeyPair 0x31\n");
  EXPECT_FALSE(key->Rotate(Soon()).ok());
  SetFaults("");
  EXPECT_EQ(States(*key), std::vector<std::string>{"1 ACTIVE"});
  EXPECT_EQ(key->Sign(kStatement, Soon())->key_version, 1U);
}

// Else every kill would leave one more key on the token.
TEST_F(AuditKeyTest, TheRotationAfterAKillTakesTheKeyThatItLeft) {
  auto key = *NewKey();
  const auto left = lifecycle_->AddVersion(kAuditConnection, Soon());
  ASSERT_TRUE(left.ok()) << left.status();
  Restart();
  key = *NewKey();
  EXPECT_EQ(key->Sign(kStatement, Soon())->key_version, 1U);
  const auto rotated = key->Rotate(Soon());
  ASSERT_TRUE(rotated.ok()) << rotated.status();
  EXPECT_EQ(rotated->kid, left->kid);
  EXPECT_EQ(States(*key), (std::vector<std::string>{"1 DISABLED", "2 ACTIVE"}));
  ExpectSignedBy(*rotated, *key->Sign(kStatement, Soon()));
}

TEST_F(AuditKeyTest, RotationsAtOnceGoOneAfterTheOther) {
  const auto key = *NewKey();
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      const auto rotated = key->Rotate(Soon());
      EXPECT_TRUE(rotated.ok()) << rotated.status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(States(*key),
            (std::vector<std::string>{"1 DISABLED", "2 DISABLED", "3 DISABLED", "4 ACTIVE"}));
  EXPECT_EQ(key->Sign(kStatement, Soon())->key_version, 4U);
}

}  // namespace
}  // namespace keyward::signer
