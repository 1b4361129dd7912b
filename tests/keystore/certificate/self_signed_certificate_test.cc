#include "keystore/certificate/self_signed_certificate.h"

#include <gtest/gtest.h>
#include <openssl/rsa.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/rsa_public_key.h"
#include "tests/keystore/certificate/test_ca.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward {
namespace {

class SelfSignedCertificateTest : public ::testing::Test {
 protected:
  SelfSignedCertificateTest() : key_(EVP_RSA_gen(2048)) {}

  absl::StatusOr<IssuedCertificate> Issue(const std::string& name,
                                          absl::Duration validity = absl::Hours(24 * 730)) const {
    return IssueSelfSignedCertificate({name, now_, validity}, *key_, nullptr);
  }

  std::string Describe(const std::string& der, const std::vector<std::string>& what) const {
    testing::TempDir dir;
    EXPECT_TRUE(WriteFile(dir.File("c.der"), der).ok());
    std::vector<std::string> argv = {"openssl",         "x509",  "-inform", "DER", "-in",
                                     dir.File("c.der"), "-noout"};
    argv.insert(argv.end(), what.begin(), what.end());
    return testing::Run(argv).out;
  }

  EvpPkeyPtr key_;
  absl::Time now_ = absl::Now();
};

TEST_F(SelfSignedCertificateTest, SaysWhatItMust) {
  const auto issued = Issue("acme");
  ASSERT_TRUE(issued.ok()) << issued.status();
  EXPECT_LT(issued->der.size(), kMaxCertificateBytes);
  const std::string text = Describe(issued->der, {"-text"});
  for (const char* expected :
       {"Version: 3", "Signature Algorithm: sha256WithRSAEncryption", "Issuer: CN = acme",
        "Subject: CN = acme", "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature\n", "(2048 bit)"}) {
    EXPECT_TRUE(absl::StrContains(text, expected)) << expected << "\n" << text;
  }
  EXPECT_EQ(issued->not_after, absl::FromTimeT(absl::ToTimeT(now_ + absl::Hours(24 * 730))));
}

TEST_F(SelfSignedCertificateTest, OpensslVerifiesIt) {
  testing::TempDir dir;
  const auto issued = Issue("acme");
  ASSERT_TRUE(WriteFile(dir.File("c.der"), issued->der).ok());
  testing::Run(
      {"openssl", "x509", "-inform", "DER", "-in", dir.File("c.der"), "-out", dir.File("c.pem")});
  const testing::Finished verified = testing::Run(
      {"openssl", "verify", "-check_ss_sig", "-CAfile", dir.File("c.pem"), dir.File("c.pem")});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

TEST_F(SelfSignedCertificateTest, SerialsAre128BitsAndDiffer) {
  std::set<std::string> serials;
  bool long_enough = false;
  for (int i = 0; i < 8; ++i) {
    const std::string serial = Describe(Issue("acme")->der, {"-serial"});
    serials.insert(serial);
    long_enough = long_enough || serial.size() == std::string("serial=\n").size() + 32;
  }
  EXPECT_EQ(serials.size(), 8U);
  EXPECT_TRUE(long_enough);
}

TEST_F(SelfSignedCertificateTest, AKeyWithoutAPrivateOperationIssuesNothing) {
  const auto public_key = *PublicKeyOfCertificate(Issue("acme")->der);
  EXPECT_TRUE(absl::IsInternal(
      IssueSelfSignedCertificate({"acme", now_, absl::Hours(1)}, *public_key, nullptr).status()));
}

TEST_F(SelfSignedCertificateTest, NorOneOfASignatureThatDoesNotVerify) {
  const auto issued =
      IssueSelfSignedCertificate({"acme", now_, absl::Hours(1)}, *testing::BrokenKey(), nullptr);
  EXPECT_TRUE(absl::StrContains(issued.status().message(), "does not verify")) << issued.status();
}

TEST_F(SelfSignedCertificateTest, RefusesNamesAndValiditiesThatDoNotFit) {
  EXPECT_TRUE(absl::IsInvalidArgument(Issue("").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Issue(std::string(65, 'a')).status()));
  EXPECT_TRUE(Issue(std::string(64, 'a')).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Issue("acme", absl::ZeroDuration()).status()));
}

}  // namespace
}  // namespace keyward
