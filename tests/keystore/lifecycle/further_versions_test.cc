// Key versions after the first, and the audit key's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "common/error.h"
#include "common/openssl.h"
#include "common/rsa_public_key.h"
#include "keystore/lifecycle/key_adoption.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/object_finder.h"
#include "keystore/pkcs11/token_signer.h"
#include "tests/keystore/lifecycle/keystore_parts.h"
#include "tests/keystore/pkcs11/token_fixture.h"

namespace keyward {
namespace {

using pkcs11::Soon;
using registry::VersionState;

class FurtherVersionsTest : public pkcs11::FaultyTokenTest {
 protected:
  FurtherVersionsTest()
      : parts_(dir_.File("registry.db"), OpenPool({.reload_interval = absl::ZeroDuration(),
                                                   .retry_interval = absl::ZeroDuration()},
                                                  module())) {}

  size_t PrivateKeysOnToken() {
    auto lease = pool_->TakeForAdministration(Soon());
    return pkcs11::FindPrivateKeys(lease->session())->size();
  }

  void ExpectOnlyTheFirst() {
    const auto versions = *registry_->ListKeyVersions("acme");
    ASSERT_EQ(versions.size(), 1U);
    EXPECT_EQ(versions.front().state, VersionState::kActive);
    EXPECT_TRUE(registry_->ListUnfinished()->empty());
    EXPECT_EQ(PrivateKeysOnToken(), 1U);
  }

  testing::TempDir dir_;
  KeystoreParts parts_;
  registry::Registry* const registry_ = parts_.registry.get();
  pkcs11::SessionPool* const pool_ = parts_.pool.get();
  KeyLifecycle lifecycle_{parts_.keystore, {}};
};

TEST_F(FurtherVersionsTest, AFurtherVersionIsPendingAndHasAKeyOfItsOwn) {
  const auto acme = lifecycle_.CreateConnection("acme", {}, Soon());
  ASSERT_TRUE(acme.ok()) << acme.status();
  const auto added = lifecycle_.AddVersion("acme", Soon());
  ASSERT_TRUE(added.ok()) << added.status();
  EXPECT_EQ(added->number, 2U);
  EXPECT_EQ(added->state, VersionState::kPending);
  EXPECT_EQ(added->key_bits, 2048U);
  EXPECT_EQ(registry_->GetConnection("acme")->etag, acme->etag);
  const auto versions = *registry_->ListKeyVersions("acme");
  ASSERT_EQ(versions.size(), 2U);
  EXPECT_EQ(versions[0].state, VersionState::kActive);
  EXPECT_NE(versions[0].kid, added->kid);

  const EvpPkeyPtr key = *PublicKeyOfCertificate(added->certificate_der);
  EXPECT_EQ(added->kid, *JwkThumbprint(*key));
  auto lease = pool_->Take(Soon());
  const auto signature = pkcs11::SignRs256(lease->session(), lease->rs256(),
                                           *lease->FindKey(added->key_id), "message", 256);
  EXPECT_TRUE(VerifyRs256(*key, "message", *signature).ok());
  EXPECT_THAT(*pkcs11::FindCertificates(lease->session(), added->key_id),
              ::testing::ElementsAre(added->certificate_der));
}

TEST_F(FurtherVersionsTest, NeedsAConnection) {
  EXPECT_EQ(ReasonOf(lifecycle_.AddVersion("acme", Soon()).status()), "CONNECTION_NOT_FOUND");
  EXPECT_EQ(PrivateKeysOnToken(), 0U);
  EXPECT_FALSE(lifecycle_.HasUnfinished());
}

TEST_F(FurtherVersionsTest, WhatFailsIsUndoneAndTheFirstStays) {
  ASSERT_TRUE(lifecycle_.CreateConnection("acme", {}, Soon()).ok());
  for (const char* fault :
       {"C_GenerateKeyPair 0x31\n", "C_Sign corrupt\n", "C_CreateObject 0x31\n"}) {
    SetFaults(fault);
    EXPECT_FALSE(lifecycle_.AddVersion("acme", Soon()).ok()) << fault;
    SetFaults("");
    EXPECT_FALSE(lifecycle_.HasUnfinished()) << fault;
    ExpectOnlyTheFirst();
  }
  EXPECT_EQ(lifecycle_.AddVersion("acme", Soon())->number, 5U);
}

TEST_F(FurtherVersionsTest, WhatCannotBeUndoneNowIsFinishedLaterAsPending) {
  ASSERT_TRUE(lifecycle_.CreateConnection("acme", {}, Soon()).ok());
  SetFaults("C_Sign corrupt\nC_DestroyObject 0x54\n");
  EXPECT_FALSE(lifecycle_.AddVersion("acme", Soon()).ok());
  EXPECT_TRUE(lifecycle_.HasUnfinished());
  SetFaults("");
  ASSERT_TRUE(lifecycle_.FinishInterrupted(Soon()).ok());
  EXPECT_FALSE(lifecycle_.HasUnfinished());
  const auto versions = *registry_->ListKeyVersions("acme");
  ASSERT_EQ(versions.size(), 2U);
  EXPECT_EQ(versions[0].state, VersionState::kActive);
  EXPECT_EQ(versions[1].state, VersionState::kPending);
}

TEST_F(FurtherVersionsTest, AllVersionsGoWithTheirConnection) {
  ASSERT_TRUE(lifecycle_.CreateConnection("acme", {}, Soon()).ok());
  ASSERT_TRUE(lifecycle_.AddVersion("acme", Soon()).ok());
  const auto destroyed =
      lifecycle_.DeleteConnection("acme", registry_->GetConnection("acme")->etag, Soon());
  ASSERT_TRUE(destroyed.ok()) << destroyed.status();
  EXPECT_EQ(*destroyed, 2U);
  EXPECT_EQ(PrivateKeysOnToken(), 0U);
}

TEST_F(FurtherVersionsTest, TheAuditKeysCertificateSaysWhatItIsFor) {
  ASSERT_TRUE(lifecycle_.CreateConnection(registry::kAuditConnection, {}, Soon()).ok());
  const auto versions = *registry_->ListKeyVersions(registry::kAuditConnection);
  ASSERT_EQ(versions.size(), 1U);
  const X509Ptr certificate = *ParseCertificate(versions.front().certificate_der);
  char name[64] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                            sizeof(name));
  EXPECT_STREQ(name, "Keyward audit");
  EXPECT_EQ(X509_get_key_usage(certificate.get()), uint32_t{KU_DIGITAL_SIGNATURE});
  EXPECT_EQ(X509_self_signed(certificate.get(), /*verify_signature=*/1), 1);
}

// Not even where every label may be adopted.
TEST_F(FurtherVersionsTest, TheAuditKeyCannotBeAdopted) {
  ASSERT_TRUE(lifecycle_.CreateConnection(registry::kAuditConnection, {}, Soon()).ok());
  ASSERT_TRUE(lifecycle_.CreateConnection("acme", {}, Soon()).ok());
  const AdoptionOptions options{.scope = {{"*"}}};
  EXPECT_EQ(ReasonOf(AdoptKey(parts_.keystore, options, "acme",
                              "pkcs11:object=keyward%2F.audit%2F1", Soon())
                         .status()),
            "KEY_NOT_ON_TOKEN");
}

}  // namespace
}  // namespace keyward
