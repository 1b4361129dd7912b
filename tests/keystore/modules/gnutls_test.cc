// GnuTLS's p11tool and certtool with a key of ours. They take the PIN from
// GNUTLS_PIN.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/keystore/modules/other_tool_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class GnutlsTest : public OtherToolTest {
 protected:
  static testing::Finished Run(const std::string& tool, const std::vector<std::string>& arguments) {
    std::vector<std::string> argv = {tool, absl::StrCat("--provider=", testing::kSoftHsmModule)};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return testing::Run(argv, {{"GNUTLS_PIN", testing::kUserPin}});
  }
  static testing::Finished P11Tool(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--batch");
    return Run("p11tool", arguments);
  }
  static std::string Token() { return absl::StrCat("pkcs11:token=", kTokenLabel); }
};

TEST_F(GnutlsTest, ListsThePublicKeyWithoutALogin) {
  const testing::Finished listed = P11Tool({"--list-all", Token()});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("Public key (RSA-2048)"));
  EXPECT_THAT(listed.out, HasSubstr("Label: keyward/acme/1"));
  EXPECT_THAT(listed.out, Not(HasSubstr("Private key")));
}

TEST_F(GnutlsTest, ListsThePrivateKeyAsSensitive) {
  const testing::Finished listed = P11Tool({"--login", "--list-privkeys", Token()});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("Private key (RSA-2048)"));
  EXPECT_THAT(listed.out, HasSubstr("Label: keyward/acme/1"));
  EXPECT_THAT(listed.out, HasSubstr("CKA_PRIVATE; CKA_NEVER_EXTRACTABLE; CKA_SENSITIVE"));
  EXPECT_THAT(listed.out, Not(HasSubstr("; CKA_EXTRACTABLE")));
}

TEST_F(GnutlsTest, ExportsThePublicKeyThatWeRead) {
  const testing::Finished exported = P11Tool({"--export", Uri("public")});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  ASSERT_NO_FATAL_FAILURE(WritePublicKey(files_.File("ours.pem")));
  EXPECT_THAT(exported.out, HasSubstr(ReadFile(files_.File("ours.pem")).value_or("none")));
}

TEST_F(GnutlsTest, CannotExportThePrivateKey) {
  const testing::Finished exported = P11Tool({"--login", "--export", Uri("private")});
  EXPECT_NE(exported.exit_code, 0);
  EXPECT_THAT(exported.out, Not(HasSubstr("PRIVATE KEY")));
}

TEST_F(GnutlsTest, SignsAndVerifies) {
  const testing::Finished signed_ = P11Tool({"--login", "--test-sign", Uri("private")});
  EXPECT_EQ(signed_.exit_code, 0) << signed_.out << signed_.err;
  EXPECT_THAT(signed_.out + signed_.err,
              HasSubstr("Verifying against private key parameters... ok"));
}

TEST_F(GnutlsTest, IssuesACertificateThatOpensslVerifies) {
  const std::string settings = files_.File("settings");
  const std::string certificate = files_.File("certificate.pem");
  ASSERT_TRUE(
      WriteFile(settings, "cn = keyward\nca\ncert_signing_key\nexpiration_days = 1\n").ok());
  const testing::Finished issued =
      Run("certtool",
          {"--generate-self-signed", "--load-privkey", Uri("private"), "--load-pubkey",
           Uri("public"), "--hash", "SHA256", "--template", settings, "--outfile", certificate});
  ASSERT_EQ(issued.exit_code, 0) << issued.out << issued.err;
  const testing::Finished verified =
      testing::Run({"openssl", "verify", "-check_ss_sig", "-CAfile", certificate, certificate});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

}  // namespace
}  // namespace keyward::pkcs11
