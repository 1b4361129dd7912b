#include "keystore/lifecycle/key_adoption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/rsa_public_key.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/lifecycle/token_key.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/lifecycle/keystore_parts.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/keystore/registry/sqlite_statement.h"

namespace keyward {
namespace {

using pkcs11::Soon;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kKeyId[] = "ceremony-id";
constexpr char kUri[] = "pkcs11:id=ceremony-id";

class KeyAdoptionTest : public pkcs11::FaultyTokenTest {
 protected:
  KeyAdoptionTest()
      : parts_(dir_.File("registry.db"), OpenPool({.reload_interval = absl::ZeroDuration(),
                                                   .retry_interval = absl::ZeroDuration()},
                                                  module())),
        lifecycle_(parts_.keystore, {}) {
    if (!lifecycle_.CreateConnection("acme", {}, Soon()).ok()) abort();
  }

  // A key pair that somebody else has made.
  pkcs11::TokenKeyPair MakeCeremonyKey(const std::string& key_id = kKeyId) {
    auto lease = parts_.pool->TakeForAdministration(Soon());
    return *pkcs11::GenerateRsaKeyPair(lease->session(), "ceremony", key_id, 2048);
  }

  // Puts a certificate of `signer`'s key beside `key_id`, as a ceremony might.
  std::string LeaveCertificate(const pkcs11::TokenKeyPair& signer, absl::Duration validity) {
    auto lease = parts_.pool->TakeForAdministration(Soon());
    const EvpPkeyPtr key = *MakeRsaPublicKey(signer.modulus, signer.public_exponent);
    const auto issued = IssueSelfSigned(*parts_.signing, *lease, signer.private_key, *key,
                                        "made by the ceremony", validity);
    if (!issued.ok() ||
        !pkcs11::ReplaceCertificate(*lease, "ceremony", kKeyId, issued->certificate_der).ok()) {
      abort();
    }
    return issued->certificate_der;
  }

  absl::StatusOr<registry::KeyVersion> Adopt(const std::string& uri = kUri) {
    return AdoptKey(parts_.keystore, {}, "acme", uri, Soon());
  }

  std::vector<std::string> CertificatesOnToken() {
    auto lease = parts_.pool->TakeForAdministration(Soon());
    return *pkcs11::FindCertificates(lease->session(), kKeyId);
  }

  testing::TempDir dir_;
  KeystoreParts parts_;
  KeyLifecycle lifecycle_;
};

TEST_F(KeyAdoptionTest, TheCertificateThatLiesBesideTheKeyIsTaken) {
  const pkcs11::TokenKeyPair pair = MakeCeremonyKey();
  const std::string der = LeaveCertificate(pair, absl::Hours(24 * 90));
  const auto adopted = Adopt();
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_EQ(adopted->number, 2U);
  EXPECT_EQ(adopted->state, registry::VersionState::kPending);
  EXPECT_EQ(adopted->certificate_der, der);
  EXPECT_THAT(CertificatesOnToken(), ElementsAre(der));
  EXPECT_TRUE(parts_.pool->Take(Soon())->FindKey(kKeyId).ok()) << "it can sign at once";
}

TEST_F(KeyAdoptionTest, AnotherKeysCertificateBesideItIsRefused) {
  MakeCeremonyKey();
  const std::string der = LeaveCertificate(MakeCeremonyKey("another"), absl::Hours(24 * 90));
  EXPECT_EQ(ReasonOf(Adopt().status()), "CERTIFICATE_KEY_MISMATCH");
  EXPECT_THAT(CertificatesOnToken(), ElementsAre(der));
  EXPECT_EQ(parts_.registry->ListKeyVersions("acme")->size(), 1U);
}

TEST_F(KeyAdoptionTest, AnExpiredCertificateBesideItIsRefused) {
  // Issued certificates begin five minutes ago.
  LeaveCertificate(MakeCeremonyKey(), absl::Minutes(1));
  EXPECT_EQ(ReasonOf(Adopt().status()), "CERTIFICATE_EXPIRED");
  EXPECT_EQ(parts_.registry->ListKeyVersions("acme")->size(), 1U);
}

TEST_F(KeyAdoptionTest, AFailureInBetweenCanBeRepeated) {
  MakeCeremonyKey();
  SetFaults("C_CreateObject 0x31\n");
  EXPECT_FALSE(Adopt().ok());
  SetFaults("");
  EXPECT_THAT(CertificatesOnToken(), IsEmpty());

  const auto lock = registry::SqliteStatements::Open(dir_.File("registry.db"));
  ASSERT_TRUE(lock->Execute("BEGIN IMMEDIATE").ok());
  EXPECT_EQ(ReasonOf(Adopt().status()), "REGISTRY_UNAVAILABLE");
  ASSERT_TRUE(lock->Execute("ROLLBACK").ok());

  const auto adopted = Adopt();
  ASSERT_TRUE(adopted.ok()) << adopted.status();
  EXPECT_THAT(CertificatesOnToken(), ElementsAre(adopted->certificate_der));
}

TEST_F(KeyAdoptionTest, WhatIsRefusedOnceItIsSignedIsNotStored) {
  MakeCeremonyKey();
  const auto refused = AdoptKey(parts_.keystore, {}, "acme", kUri, Soon(),
                                [] { return absl::FailedPreconditionError("frozen meanwhile"); });
  EXPECT_EQ(refused.status().message(), "frozen meanwhile");
  EXPECT_THAT(CertificatesOnToken(), IsEmpty());
  EXPECT_EQ(parts_.registry->ListKeyVersions("acme")->size(), 1U);
}

TEST_F(KeyAdoptionTest, AKeyIsAdoptedOnce) {
  MakeCeremonyKey();
  ASSERT_TRUE(Adopt().ok());
  EXPECT_EQ(ReasonOf(Adopt().status()), "KEY_ID_EXISTS");
  const auto nobody = AdoptKey(parts_.keystore, {}, "nobody", kUri, Soon());
  EXPECT_EQ(ReasonOf(nobody.status()), "CONNECTION_NOT_FOUND");
}

TEST_F(KeyAdoptionTest, AKeyInUseSignsNothingForAnotherConnection) {
  MakeCeremonyKey();
  ASSERT_TRUE(Adopt().ok());
  ASSERT_TRUE(lifecycle_.CreateConnection("other", {}, Soon()).ok());
  {
    // As one has it that was adopted before certificates were put on the token.
    auto lease = parts_.pool->TakeForAdministration(Soon());
    const auto certificates = *pkcs11::FindObjectsById(lease->session(), CKO_CERTIFICATE, kKeyId);
    for (const CK_OBJECT_HANDLE object : certificates) {
      const CK_FUNCTION_LIST& functions = lease->session().functions();
      ASSERT_EQ(functions.C_DestroyObject(lease->session().handle(), object), CKR_OK);
    }
  }
  EXPECT_EQ(ReasonOf(AdoptKey(parts_.keystore, {}, "other", kUri, Soon()).status()),
            "KEY_ID_EXISTS");
  EXPECT_THAT(CertificatesOnToken(), IsEmpty());
}

TEST_F(KeyAdoptionTest, AUriIsWrittenDownOnlyWithoutAPin) {
  EXPECT_EQ(UriForRecord(kUri), kUri);
  EXPECT_EQ(UriForRecord("pkcs11:object=a?pin-value=1234"), "");
  EXPECT_EQ(UriForRecord("pkcs11:object=a?pin-source=file:/pin"), "");
  EXPECT_EQ(UriForRecord("1234"), "");
}

TEST_F(KeyAdoptionTest, DeletingTheConnectionDestroysTheAdoptedKeyToo) {
  MakeCeremonyKey();
  ASSERT_TRUE(Adopt().ok());
  const auto connection = parts_.registry->GetConnection("acme");
  const auto destroyed = lifecycle_.DeleteConnection("acme", connection->etag, Soon());
  ASSERT_TRUE(destroyed.ok()) << destroyed.status();
  EXPECT_EQ(*destroyed, 2U);
  auto lease = parts_.pool->TakeForAdministration(Soon());
  EXPECT_THAT(*pkcs11::FindObjects(lease->session(), {}), IsEmpty());
}

}  // namespace
}  // namespace keyward
