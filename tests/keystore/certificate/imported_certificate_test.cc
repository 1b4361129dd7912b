// The certificate itself; its chain is in imported_chain_test.cc.
#include "keystore/certificate/imported_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "common/error.h"
#include "common/rsa_public_key.h"
#include "keystore/certificate/self_signed_certificate.h"
#include "tests/keystore/certificate/test_ca.h"

namespace keyward {
namespace {

using testing::CertificatePlan;
using testing::Certify;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LeafPlan;
using testing::Today;

MATCHER_P(Refused, reason, "") {
  *result_listener << arg.ToString();
  return absl::IsInvalidArgument(arg) && ReasonOf(arg) == std::optional<std::string>(reason);
}

class ImportedCertificateTest : public ::testing::Test {
 protected:
  // By a CA that is not shown.
  std::string Leaf(const CertificatePlan& plan) const {
    return Certify(plan, *key_, "CA", *issuer_key_);
  }

  absl::StatusOr<ImportedCertificate> Check(const std::string& der,
                                            absl::Time now = Today()) const {
    return CheckImportedCertificate(der, {}, *key_, now);
  }

  absl::Status StatusOf(const std::string& der, absl::Time now = Today()) const {
    return Check(der, now).status();
  }

  // The same ones in every test, as they take a while to make.
  static EVP_PKEY* Key() {
    static EVP_PKEY* const kKey = EVP_RSA_gen(2048);
    return kKey;
  }
  static EVP_PKEY* IssuerKey() {
    static EVP_PKEY* const kKey = EVP_RSA_gen(2048);
    return kKey;
  }

  EVP_PKEY* const key_ = Key();
  EVP_PKEY* const issuer_key_ = IssuerKey();
};

TEST_F(ImportedCertificateTest, ACertificateWithoutChainIsFine) {
  const CertificatePlan plan = LeafPlan("acme");
  const absl::StatusOr<ImportedCertificate> imported = Check(Leaf(plan));
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->not_before, plan.not_before);
  EXPECT_EQ(imported->not_after, plan.not_after);
  EXPECT_THAT(imported->chain, IsEmpty());
}

TEST_F(ImportedCertificateTest, SoIsASelfSignedOne) {
  EXPECT_TRUE(StatusOf(Certify(LeafPlan("acme"), *key_, "acme", *key_)).ok());
  const auto issued =
      IssueSelfSignedCertificate({"acme", Today(), absl::Hours(24)}, *key_, nullptr);
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_TRUE(StatusOf(issued->der).ok()) << StatusOf(issued->der);
}

TEST_F(ImportedCertificateTest, SoIsOneWithoutKeyUsage) {
  EXPECT_TRUE(StatusOf(Leaf({.subject = "acme"})).ok());
}

TEST_F(ImportedCertificateTest, ASelfSignedOneIsSignedByItsOwnKey) {
  std::string der = Certify(LeafPlan("acme"), *key_, "acme", *key_);
  der.back() = static_cast<char>(der.back() ^ 1);
  EXPECT_THAT(StatusOf(der), Refused("CERTIFICATE_CHAIN_INVALID"));
}

TEST_F(ImportedCertificateTest, RefusesWhatIsNoCertificate) {
  const std::string der = Leaf(LeafPlan("acme"));
  for (const std::string& text :
       {std::string(), std::string("no DER"), der.substr(0, der.size() - 1), der + "x",
        std::string("-----BEGIN CERTIFICATE-----\n")}) {
    EXPECT_THAT(StatusOf(text), Refused("CERTIFICATE_MALFORMED"));
  }
  CertificatePlan plan = LeafPlan("acme");
  plan.extensions.push_back(plan.extensions.front());
  EXPECT_THAT(StatusOf(Leaf(plan)), Refused("CERTIFICATE_MALFORMED")) << "keyUsage twice";
}

TEST_F(ImportedCertificateTest, RefusesAnotherKeyAndNamesBoth) {
  const absl::Status status = StatusOf(Certify(LeafPlan("acme"), *issuer_key_, "CA", *issuer_key_));
  EXPECT_THAT(status, Refused("CERTIFICATE_KEY_MISMATCH"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(*JwkThumbprint(*issuer_key_)));
  EXPECT_THAT(std::string(status.message()), HasSubstr(*JwkThumbprint(*key_)));
  const EvpPkeyPtr ec(EVP_EC_gen("P-256"));
  const absl::Status other_kind = StatusOf(Certify(LeafPlan("acme"), *ec, "CA", *issuer_key_));
  EXPECT_THAT(other_kind, Refused("CERTIFICATE_KEY_MISMATCH"));
  EXPECT_THAT(std::string(other_kind.message()), HasSubstr("a key of type EC"));
}

TEST_F(ImportedCertificateTest, RefusesAShortKeyEvenIfItIsTheOne) {
  const EvpPkeyPtr short_key(EVP_RSA_gen(1024));
  const std::string der = Certify(LeafPlan("acme"), *short_key, "CA", *issuer_key_);
  EXPECT_THAT(StatusOf(der), Refused("CERTIFICATE_KEY_TOO_SHORT"));
  EXPECT_THAT(CheckImportedCertificate(der, {}, *short_key, Today()).status(),
              Refused("CERTIFICATE_KEY_TOO_SHORT"));
}

TEST_F(ImportedCertificateTest, IsValidFromItsFirstToItsLastSecond) {
  const CertificatePlan plan = LeafPlan("acme");
  const std::string der = Leaf(plan);
  EXPECT_THAT(StatusOf(der, plan.not_before - absl::Nanoseconds(1)),
              Refused("CERTIFICATE_NOT_YET_VALID"));
  EXPECT_TRUE(StatusOf(der, plan.not_before).ok());
  EXPECT_TRUE(StatusOf(der, plan.not_after - absl::Nanoseconds(1)).ok());
  const absl::Status ended = StatusOf(der, plan.not_after);
  EXPECT_THAT(ended, Refused("CERTIFICATE_EXPIRED"));
  EXPECT_THAT(std::string(ended.message()), HasSubstr("2028-01-15T08:00:00"));
}

TEST_F(ImportedCertificateTest, RefusesAValidityThatEndsBeforeItBegins) {
  CertificatePlan plan = LeafPlan("acme");
  plan.not_after = plan.not_before - absl::Seconds(1);
  EXPECT_THAT(StatusOf(Leaf(plan)), Refused("CERTIFICATE_VALIDITY_INVALID"));
}

TEST_F(ImportedCertificateTest, TakesTheEndOfTime) {
  CertificatePlan plan = LeafPlan("acme");
  plan.not_after = absl::FromUnixSeconds(253'402'300'799);  // RFC 5280 section 4.1.2.5
  const absl::StatusOr<ImportedCertificate> imported = Check(Leaf(plan));
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->not_after, plan.not_after);
}

TEST_F(ImportedCertificateTest, RefusesWeakSignatures) {
  CertificatePlan plan = LeafPlan("acme");
  for (const char* digest : {"MD5", "SHA1"}) {
    plan.digest = digest;
    EXPECT_THAT(StatusOf(Leaf(plan)), Refused("CERTIFICATE_WEAK_SIGNATURE")) << digest;
    EXPECT_THAT(StatusOf(Certify(plan, *key_, "acme", *key_)),
                Refused("CERTIFICATE_WEAK_SIGNATURE"));
  }
  for (const char* digest : {"SHA256", "SHA384", "SHA512"}) {
    plan.digest = digest;
    EXPECT_TRUE(StatusOf(Leaf(plan)).ok()) << digest;
  }
}

TEST_F(ImportedCertificateTest, RefusesOtherUsages) {
  CertificatePlan plan = {.subject = "acme",
                          .extensions = {{NID_key_usage, "critical,keyEncipherment"}}};
  EXPECT_THAT(StatusOf(Leaf(plan)), Refused("CERTIFICATE_USAGE_INVALID"));
  plan.extensions = {{NID_key_usage, "critical,keyEncipherment,digitalSignature"}};
  EXPECT_TRUE(StatusOf(Leaf(plan)).ok());
  plan.extensions.push_back({NID_basic_constraints, "CA:TRUE"});
  const absl::Status is_ca = StatusOf(Leaf(plan));
  EXPECT_THAT(is_ca, Refused("CERTIFICATE_USAGE_INVALID"));
  EXPECT_THAT(std::string(is_ca.message()), HasSubstr("CA:TRUE"));
}

}  // namespace
}  // namespace keyward
