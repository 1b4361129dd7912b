#include "keystore/lifecycle/key_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "common/error.h"
#include "common/rsa_public_key.h"
#include "keystore/lifecycle/key_lifecycle.h"
#include "keystore/pkcs11/certificate_objects.h"
#include "keystore/pkcs11/object_finder.h"
#include "tests/keystore/lifecycle/keystore_parts.h"
#include "tests/keystore/pkcs11/token_fixture.h"
#include "tests/keystore/registry/sqlite_statement.h"

namespace keyward {
namespace {

using pkcs11::Soon;
using registry::KeyVersion;
using ::testing::ElementsAre;

constexpr absl::Duration kYear = absl::Hours(24 * 365);

// What happens with certificates of a real key is tested with the command, in
// tests/e2e; here is what happens when token or registry fail meanwhile.
class KeyCertificatesTest : public pkcs11::FaultyTokenTest {
 protected:
  KeyCertificatesTest()
      : parts_(dir_.File("registry.db"), OpenPool({.reload_interval = absl::ZeroDuration(),
                                                   .retry_interval = absl::ZeroDuration()},
                                                  module())),
        lifecycle_(parts_.keystore, {}) {
    if (!lifecycle_.CreateConnection("acme", {}, Soon()).ok()) abort();
  }

  KeyVersion Version() { return parts_.registry->ListKeyVersions("acme")->front(); }

  std::vector<std::string> OnToken() {
    auto lease = parts_.pool->TakeForAdministration(Soon());
    return *pkcs11::FindCertificates(lease->session(), Version().key_id);
  }

  absl::StatusOr<KeyVersion> Renew(absl::Time deadline = Soon()) {
    return RenewCertificate(parts_.keystore, "acme", std::nullopt, kYear, deadline);
  }

  testing::TempDir dir_;
  KeystoreParts parts_;
  KeyLifecycle lifecycle_;
};

TEST_F(KeyCertificatesTest, ARenewedCertificateReplacesTheOneOnTheToken) {
  const KeyVersion before = Version();
  const auto renewed = Renew();
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_NE(renewed->certificate_der, before.certificate_der);
  EXPECT_EQ(renewed->kid, before.kid);
  EXPECT_LT(renewed->certificate_not_after, before.certificate_not_after);
  EXPECT_EQ(Version().certificate_der, renewed->certificate_der);
  EXPECT_THAT(OnToken(), ElementsAre(renewed->certificate_der));
}

TEST_F(KeyCertificatesTest, ATokenThatDoesNotTakeTheCertificateLeavesTheOneBefore) {
  const KeyVersion before = Version();
  SetFaults("C_CreateObject 0x31\n");  // CKR_DEVICE_MEMORY
  EXPECT_FALSE(Renew().ok());
  SetFaults("");
  EXPECT_EQ(Version().certificate_der, before.certificate_der);
  EXPECT_THAT(OnToken(), ElementsAre(before.certificate_der));
}

TEST_F(KeyCertificatesTest, WhatIsRefusedOnceItIsSignedIsNotStored) {
  const KeyVersion before = Version();
  const auto refused = RenewCertificate(parts_.keystore, "acme", std::nullopt, kYear, Soon(), [] {
    return absl::FailedPreconditionError("frozen meanwhile");
  });
  EXPECT_EQ(refused.status().message(), "frozen meanwhile");
  EXPECT_EQ(Version().certificate_der, before.certificate_der);
  EXPECT_THAT(OnToken(), ElementsAre(before.certificate_der));
}

TEST_F(KeyCertificatesTest, ASignatureThatDoesNotVerifyMakesNoCertificate) {
  const KeyVersion before = Version();
  SetFaults("C_Sign corrupt\n");
  EXPECT_FALSE(Renew().ok());
  EXPECT_FALSE(CreateRequest(parts_.keystore, "acme", 1, {.common_name = "acme"}, {}, Soon()).ok());
  EXPECT_EQ(Version().certificate_der, before.certificate_der);
  EXPECT_THAT(OnToken(), ElementsAre(before.certificate_der));
}

TEST_F(KeyCertificatesTest, ARegistryThatCannotBeWrittenLeavesTheTokenAsItWas) {
  const KeyVersion before = Version();
  const auto lock = registry::SqliteStatements::Open(dir_.File("registry.db"));
  ASSERT_TRUE(lock->Execute("BEGIN IMMEDIATE").ok());
  EXPECT_EQ(ReasonOf(Renew().status()), "REGISTRY_UNAVAILABLE");
  ASSERT_TRUE(lock->Execute("ROLLBACK").ok());
  EXPECT_EQ(Version().certificate_der, before.certificate_der);
  EXPECT_THAT(OnToken(), ElementsAre(before.certificate_der));
}

TEST_F(KeyCertificatesTest, WaitsForItsTurnNoLongerThanItsDeadline) {
  const auto turn = parts_.turn.Take(Soon());
  ASSERT_TRUE(turn.ok());
  EXPECT_EQ(ReasonOf(Renew(absl::Now()).status()), "DEADLINE_PASSED");
}

TEST_F(KeyCertificatesTest, AKeyThatIsGoneFromTheTokenSignsNoRequest) {
  {
    auto lease = parts_.pool->TakeForAdministration(Soon());
    ASSERT_TRUE(pkcs11::DestroyKeyPair(lease->session(), Version().key_id).ok());
    parts_.pool->RemoveKey(Version().key_id);
  }
  const auto request =
      CreateRequest(parts_.keystore, "acme", 1, {.common_name = "acme"}, {}, Soon());
  EXPECT_EQ(ReasonOf(request.status()), "KEY_REFUSED");
  EXPECT_EQ(ReasonOf(Renew().status()), "KEY_REFUSED");
}

TEST_F(KeyCertificatesTest, ADestroyedVersionHasNoCertificateToRenew) {
  const auto connection = parts_.registry->GetConnection("acme");
  ASSERT_TRUE(lifecycle_.DeleteConnection("acme", connection->etag, Soon()).ok());
  EXPECT_EQ(ReasonOf(Renew().status()), "CONNECTION_NOT_FOUND");
}

}  // namespace
}  // namespace keyward
