#include "keystore/lifecycle/key_lifecycle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/rsa_public_key.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/object_finder.h"
#include "keystore/pkcs11/token_signer.h"
#include "tests/keystore/lifecycle/keystore_parts.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward {
namespace {

using pkcs11::Soon;
using registry::VersionState;

class KeyLifecycleTest : public pkcs11::FaultyTokenTest {
 protected:
  KeyLifecycleTest()
      : parts_(dir_.File("registry.db"), OpenPool({.reload_interval = absl::ZeroDuration(),
                                                   .retry_interval = absl::ZeroDuration()},
                                                  module())) {}

  size_t PrivateKeysOnToken() {
    auto lease = pool_->TakeForAdministration(Soon());
    return pkcs11::FindPrivateKeys(lease->session())->size();
  }

  testing::TempDir dir_;
  KeystoreParts parts_;
  registry::Registry* const registry_ = parts_.registry.get();
  pkcs11::SessionPool* const pool_ = parts_.pool.get();
  const std::unique_ptr<KeyLifecycle> lifecycle_ =
      std::make_unique<KeyLifecycle>(parts_.keystore, KeyLifecycleOptions{});
  KeyLifecycle* slow_ = nullptr;
};

TEST_F(KeyLifecycleTest, ANewConnectionSignsAndItsCertificateIsOfItsKey) {
  const auto connection = lifecycle_->CreateConnection("acme", {.subjects = {"a@b"}}, Soon());
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto versions = registry_->ListKeyVersions("acme");
  ASSERT_EQ(versions->size(), 1U);
  const registry::KeyVersion& version = versions->front();
  EXPECT_EQ(version.state, VersionState::kActive);
  const EvpPkeyPtr key = *PublicKeyOfCertificate(version.certificate_der);
  EXPECT_EQ(version.kid, *JwkThumbprint(*key));

  auto lease = pool_->Take(Soon());
  const auto signature = pkcs11::SignRs256(lease->session(), lease->rs256(),
                                           *lease->FindKey(version.key_id), "message", 256);
  EXPECT_TRUE(VerifyRs256(*key, "message", *signature).ok());
  EXPECT_THAT(*pkcs11::FindCertificates(lease->session(), version.key_id),
              ::testing::ElementsAre(version.certificate_der))
      << "on the token beside the key";
}

TEST_F(KeyLifecycleTest, ATakenNameIsRefusedAndMakesNoKey) {
  ASSERT_TRUE(lifecycle_->CreateConnection("acme", {}, Soon()).ok());
  EXPECT_EQ(ReasonOf(lifecycle_->CreateConnection("acme", {}, Soon()).status()),
            "CONNECTION_EXISTS");
  EXPECT_EQ(PrivateKeysOnToken(), 1U);
}

TEST_F(KeyLifecycleTest, AFailedGenerationIsUndone) {
  SetFaults("C_GenerateKeyPair 0x31\n");
  EXPECT_FALSE(lifecycle_->CreateConnection("acme", {}, Soon()).ok());
  EXPECT_FALSE(lifecycle_->HasUnfinished());
  SetFaults("");
  EXPECT_TRUE(lifecycle_->CreateConnection("acme", {}, Soon()).ok()) << "the name is free again";
  EXPECT_EQ(PrivateKeysOnToken(), 1U);
}

TEST_F(KeyLifecycleTest, AKeyWhoseCertificateFailsIsDestroyed) {
  SetFaults("C_Sign corrupt\n");
  EXPECT_FALSE(lifecycle_->CreateConnection("acme", {}, Soon()).ok());
  EXPECT_EQ(PrivateKeysOnToken(), 0U);
  EXPECT_TRUE(registry_->ListUnfinished()->empty());
}

TEST_F(KeyLifecycleTest, AKeyWhoseCertificateTheTokenDoesNotTakeIsDestroyed) {
  SetFaults("C_CreateObject 0x31\n");
  EXPECT_FALSE(lifecycle_->CreateConnection("acme", {}, Soon()).ok());
  EXPECT_EQ(PrivateKeysOnToken(), 0U);
  EXPECT_TRUE(registry_->ListUnfinished()->empty());
}

TEST_F(KeyLifecycleTest, WhatCannotBeUndoneNowIsUndoneLater) {
  SetFaults("C_Sign corrupt\nC_DestroyObject 0x54\n");
  EXPECT_FALSE(lifecycle_->CreateConnection("acme", {}, Soon()).ok());
  EXPECT_TRUE(lifecycle_->HasUnfinished());
  EXPECT_EQ(PrivateKeysOnToken(), 1U);
  SetFaults("");
  ASSERT_TRUE(lifecycle_->FinishInterrupted(Soon()).ok());
  EXPECT_FALSE(lifecycle_->HasUnfinished());
  EXPECT_EQ(PrivateKeysOnToken(), 1U) << "the pair was whole, so the connection was finished";
  EXPECT_TRUE(registry_->GetConnection("acme").ok());
}

TEST_F(KeyLifecycleTest, GoesOnAfterOneThatCannotBeFinished) {
  const auto doomed = lifecycle_->CreateConnection("alpha", {}, Soon());
  SetFaults("C_DestroyObject 0x54\n");
  EXPECT_FALSE(lifecycle_->DeleteConnection("alpha", doomed->etag, Soon()).ok());
  // What a crash leaves after the key and before the certificate.
  ASSERT_TRUE(registry_->CreateConnection("beta", {}, "id of beta", "RS256", 2048).ok());
  {
    auto lease = pool_->TakeForAdministration(Soon());
    ASSERT_TRUE(pkcs11::GenerateRsaKeyPair(lease->session(), "l", "id of beta", 2048).ok());
  }
  EXPECT_FALSE(lifecycle_->FinishInterrupted(Soon()).ok());
  EXPECT_TRUE(lifecycle_->HasUnfinished());
  EXPECT_TRUE(registry_->GetConnection("beta").ok()) << "kept back by alpha";
}

TEST_F(KeyLifecycleTest, OneOperationAtATimeAndNoneWaitsPastItsDeadline) {
  absl::Status second;
  KeyLifecycle slow(parts_.keystore, {.on_step = [&](absl::string_view step) {
                      if (step != "row-inserted") return;
                      second = slow_->CreateConnection("other", {}, absl::Now()).status();
                    }});
  slow_ = &slow;
  EXPECT_TRUE(slow.CreateConnection("acme", {}, Soon()).ok());
  EXPECT_EQ(ReasonOf(second), "DEADLINE_PASSED");
  EXPECT_TRUE(slow.CreateConnection("other", {}, Soon()).ok());
}

TEST_F(KeyLifecycleTest, DeletingDestroysTheKeyAndNoOther) {
  const auto acme = lifecycle_->CreateConnection("acme", {}, Soon());
  ASSERT_TRUE(lifecycle_->CreateConnection("other", {}, Soon()).ok());
  EXPECT_EQ(ReasonOf(lifecycle_->DeleteConnection("acme", "stale", Soon()).status()),
            "ETAG_MISMATCH");
  EXPECT_EQ(PrivateKeysOnToken(), 2U);
  const auto destroyed = lifecycle_->DeleteConnection("acme", acme->etag, Soon());
  ASSERT_TRUE(destroyed.ok()) << destroyed.status();
  EXPECT_EQ(*destroyed, 1U);
  EXPECT_EQ(PrivateKeysOnToken(), 1U);
  EXPECT_EQ(ReasonOf(registry_->GetConnection("acme").status()), "CONNECTION_NOT_FOUND");
  EXPECT_TRUE(registry_->GetConnection("other").ok());
}

TEST_F(KeyLifecycleTest, ANameUsedAgainGoesOnCounting) {
  const auto first = lifecycle_->CreateConnection("acme", {}, Soon());
  ASSERT_TRUE(lifecycle_->DeleteConnection("acme", first->etag, Soon()).ok());
  const auto second = lifecycle_->CreateConnection("acme", {}, Soon());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->etag, first->etag);
  uint32_t highest = 0;
  const auto versions = registry_->ListKeyVersions("acme");
  for (const auto& version : *versions) {
    if (version.state == VersionState::kActive) highest = version.number;
  }
  EXPECT_EQ(highest, 2U);
}

}  // namespace
}  // namespace keyward
