// OpenSC's pkcs11-tool with a key of ours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/file.h"
#include "tests/keystore/modules/other_tool_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::pkcs11 {
namespace {

using ::testing::HasSubstr;

class OpenscTest : public OtherToolTest {
 protected:
  testing::Finished Pkcs11Tool(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {"pkcs11-tool",
                                     "--module",
                                     testing::kSoftHsmModule,
                                     "--token-label",
                                     kTokenLabel,
                                     "--login",
                                     "--pin",
                                     "env:PIN",
                                     "--id",
                                     absl::BytesToHexString(key_id())};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return testing::Run(argv, {{"PIN", testing::kUserPin}});
  }
};

TEST_F(OpenscTest, ListsThePrivateKeyAsOneThatOnlySignsAndNeverLeaves) {
  const testing::Finished listed = Pkcs11Tool({"--list-objects", "--type", "privkey"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("Private Key Object; RSA"));
  EXPECT_THAT(listed.out, HasSubstr("Usage:      sign\n"));
  EXPECT_THAT(listed.out,
              HasSubstr("Access:     sensitive, always sensitive, never extractable, local\n"));
}

TEST_F(OpenscTest, ListsThePublicKeyAsOneThatOnlyVerifies) {
  const testing::Finished listed = Pkcs11Tool({"--list-objects", "--type", "pubkey"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("Public Key Object; RSA 2048 bits"));
  EXPECT_THAT(listed.out, HasSubstr("Usage:      verify\n"));
  EXPECT_THAT(listed.out, HasSubstr("Access:     local\n"));
}

TEST_F(OpenscTest, SignsAndOpensslVerifies) {
  const std::string message = files_.File("message");
  const std::string signature = files_.File("signature");
  ASSERT_TRUE(WriteFile(message, "signed by pkcs11-tool").ok());
  const testing::Finished finished =
      Pkcs11Tool({"--sign", "--mechanism", "SHA256-RSA-PKCS", "--input-file", message,
                  "--output-file", signature});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  ExpectOpensslVerifies(message, signature);
}

TEST_F(OpenscTest, ReadsThePublicKeyThatWeRead) {
  const std::string theirs = files_.File("theirs.der");
  const testing::Finished read =
      Pkcs11Tool({"--read-object", "--type", "pubkey", "--output-file", theirs});
  ASSERT_EQ(read.exit_code, 0) << read.err;
  const testing::Finished pem =
      testing::Run({"openssl", "pkey", "-pubin", "-inform", "DER", "-in", theirs});
  ASSERT_NO_FATAL_FAILURE(WritePublicKey(files_.File("ours.pem")));
  EXPECT_EQ(pem.out, ReadFile(files_.File("ours.pem")).value_or("none")) << pem.err;
}

// It does not even ask the module, and ends with 0 all the same.
TEST_F(OpenscTest, ExportsNothingOfThePrivateKey) {
  const std::string exported = files_.File("exported");
  const testing::Finished read =
      Pkcs11Tool({"--read-object", "--type", "privkey", "--output-file", exported});
  EXPECT_THAT(read.out + read.err, HasSubstr("reading private keys not"));
  EXPECT_EQ(ReadFile(exported).value_or(""), "");
}

TEST_F(OpenscTest, CannotDecryptWithAKeyThatSigns) {
  const std::string message = files_.File("message");
  ASSERT_TRUE(WriteFile(message, std::string(256, 'x')).ok());
  const testing::Finished finished =
      Pkcs11Tool({"--decrypt", "--mechanism", "RSA-PKCS", "--input-file", message});
  EXPECT_NE(finished.exit_code, 0);
  EXPECT_THAT(finished.err, HasSubstr("CKR_KEY_FUNCTION_NOT_PERMITTED"));
}

}  // namespace
}  // namespace keyward::pkcs11
