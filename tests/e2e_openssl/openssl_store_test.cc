// What the openssl command finds on a token: storeutl, and certificates by URI.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e_openssl/openssl_fixture.h"

namespace keyward {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPrivate[] = "Private key on a PKCS#11 token";

class OpensslStoreTest : public OpensslTest {
 protected:
  OpensslStoreTest() { StoreCertificate(Rsa()); }

  std::string WithoutPin() const {
    return Configuration("no-pin.cnf", "default = first\nkeyward = second\n", Settings());
  }
};

size_t Count(absl::string_view text, absl::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != absl::string_view::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

TEST_F(OpensslStoreTest, ListsWhatIsThere) {
  const std::string listed = Do({"storeutl", "-noout", "pkcs11:"});
  EXPECT_EQ(Count(listed, ": Pkey\n"), 4U);
  EXPECT_EQ(Count(listed, ": Public key\n"), 4U);
  EXPECT_EQ(Count(listed, ": Certificate\n"), 1U);
  EXPECT_THAT(listed, EndsWith("Total found: 9\n"));
  EXPECT_EQ(Do({"storeutl", "-noout", "pkcs11:token=web"}), listed);
}

TEST_F(OpensslStoreTest, ListsTheKindThatIsAskedFor) {
  EXPECT_EQ(Do({"storeutl", "-noout", "-certs", "pkcs11:"}), "0: Certificate\nTotal found: 1\n");
  EXPECT_EQ(Do({"storeutl", "-noout", "pkcs11:type=cert"}), "0: Certificate\nTotal found: 1\n");
  EXPECT_EQ(Do({"storeutl", "-noout", "-keys", "pkcs11:"}),
            "0: Pkey\n1: Pkey\n2: Pkey\n3: Pkey\nTotal found: 4\n");
  EXPECT_EQ(Do({"storeutl", "-noout", "pkcs11:type=public;object=ec384"}),
            "0: Public key\nTotal found: 1\n");
  EXPECT_EQ(Do({"storeutl", "-noout", "pkcs11:object=rsa"}),
            "0: Pkey\n1: Public key\n2: Certificate\nTotal found: 3\n");
  EXPECT_EQ(Do({"storeutl", "-noout", "-crls", "pkcs11:"}), "Total found: 0\n");
}

TEST_F(OpensslStoreTest, ShowsNoPrivateKeyWithoutAPin) {
  const testing::Finished listed = OpensslAs(WithoutPin(), {"storeutl", "-noout", "pkcs11:"});
  EXPECT_EQ(listed.exit_code, 0) << listed.err;
  EXPECT_EQ(Count(listed.out, ": Pkey\n"), 0U);
  EXPECT_EQ(Count(listed.out, ": Public key\n"), 4U);
  EXPECT_THAT(listed.out, EndsWith("Total found: 5\n"));
  const testing::Finished keys =
      OpensslAs(WithoutPin(), {"storeutl", "-noout", "-keys", "pkcs11:"});
  EXPECT_EQ(keys.out, "Total found: 0\n");
  EXPECT_THAT(keys.err, HasSubstr("PIN needed"));
}

TEST_F(OpensslStoreTest, TakesThePinAndTheModuleFromTheUri) {
  const std::string bare = Configuration("bare.cnf", "default = first\nkeyward = second\n", "");
  const std::string uri =
      absl::StrCat("pkcs11:token=web?module-path=", testing::kSoftHsmModule, "&pin-source=file:");
  const testing::Finished listed =
      OpensslAs(bare, {"storeutl", "-noout", "-keys", uri + File("pin")});
  EXPECT_THAT(listed.out, EndsWith("Total found: 4\n")) << listed.err;
}

TEST_F(OpensslStoreTest, WritesCertificates) {
  EXPECT_THAT(Do({"storeutl", "-certs", "pkcs11:"}), HasSubstr(Read(File("rsa.pem"))));
  EXPECT_EQ(Do({"x509", "-in", "pkcs11:object=rsa;type=cert"}), Read(File("rsa.pem")));
}

// What it can show of them, which is where they are.
TEST_F(OpensslStoreTest, WritesNoPrivateKey) {
  const std::string text = Do({"storeutl", "-noout", "-text", "pkcs11:"});
  EXPECT_EQ(Count(text, kPrivate), 4U);
  for (const TokenKey& key : AllKeys()) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat(";object=", key.label, ";type=private\n")));
  }
  const testing::Finished written = Openssl({"storeutl", "pkcs11:"});
  EXPECT_EQ(Count(written.out, "PUBLIC KEY"), 8U);
  EXPECT_THAT(written.out, Not(HasSubstr("PRIVATE KEY")));
}

// The CA's certificate and key are both on the token, and nowhere else.
TEST_F(OpensslStoreTest, IssuesAndVerifiesWithACaThatIsOnTheToken) {
  DoInSoftware({"req", "-new", "-key", SoftwareKey("leaf.key"), "-subj", "/CN=leaf", "-out",
                File("leaf.csr")});
  Do({"x509", "-req", "-in", File("leaf.csr"), "-CA", "pkcs11:object=rsa;type=cert", "-CAkey",
      Rsa().Uri(), "-days", "1", "-out", File("leaf.pem")});
  const std::string verified = File("leaf.pem") + ": OK\n";
  EXPECT_EQ(DoInSoftware({"verify", "-CAfile", File("rsa.pem"), File("leaf.pem")}), verified);
  EXPECT_EQ(
      Do({"verify", "-no-CAfile", "-no-CApath", "-CAstore", "pkcs11:type=cert", File("leaf.pem")}),
      verified);
}

}  // namespace
}  // namespace keyward
