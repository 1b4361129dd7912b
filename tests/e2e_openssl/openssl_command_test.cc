// What an administrator does with the openssl command and a key on a token. Whatever
// the token has signed is verified by an openssl without keyward.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/e2e_openssl/openssl_fixture.h"

namespace keyward {
namespace {

using ::testing::HasSubstr;

class OpensslKeyTest : public OpensslTest, public ::testing::WithParamInterface<TokenKey> {
 protected:
  // Signs the file "data" and lets software verify it with `options`.
  void SignAndVerify(const TokenKey& key, const std::string& digest, const Arguments& options) {
    const std::string data = Write("data", "to be signed");
    Arguments sign = {"dgst", digest, "-sign", key.Uri(), "-out", File("signature")};
    Arguments verify = {"dgst", digest, "-verify", PublicKey(key), "-signature", File("signature")};
    for (Arguments* command : {&sign, &verify}) {
      command->insert(command->end(), options.begin(), options.end());
    }
    sign.push_back(data);
    verify.push_back(data);
    Do(sign);
    EXPECT_EQ(DoInSoftware(verify), "Verified OK\n");
    EXPECT_EQ(Do(verify), "Verified OK\n");
    Write("data", "to be sigmed");
    EXPECT_EQ(Software(verify).exit_code, 1);
    EXPECT_EQ(Openssl(verify).exit_code, 1);
  }
};

INSTANTIATE_TEST_SUITE_P(Keys, OpensslKeyTest, ::testing::ValuesIn(AllKeys()),
                         [](const auto& info) { return info.param.label; });

// As pkcs11-tool has it. The version of Debian 12 reads EC keys of one curve only, but
// shows the point of any.
TEST_P(OpensslKeyTest, GivesItsPublicHalf) {
  Do({"pkey", "-in", GetParam().Uri(), "-pubout", "-outform", "DER", "-out", File("der")});
  const std::string pem = Read(PublicKey(GetParam()));
  EXPECT_EQ(DoInSoftware({"pkey", "-pubin", "-inform", "DER", "-in", File("der")}), pem);
  if (GetParam().type.front() == 'E') {
    const testing::Finished listed = Pkcs11Tool({"--list-objects", "--type", "pubkey"});
    // A SubjectPublicKeyInfo ends with the point, and PKCS#11 puts it into an OCTET STRING.
    const size_t bytes = GetParam().type == "EC:secp384r1" ? 97 : 65;
    const std::string der = Read(File("der"));
    const std::string point = absl::BytesToHexString(der.substr(der.size() - bytes));
    EXPECT_THAT(listed.out, HasSubstr(absl::StrCat("04", bytes == 97 ? "61" : "41", point, "\n")));
    return;
  }
  const testing::Finished read = Pkcs11Tool(
      {"--read-object", "--type", "pubkey", "--id", GetParam().id, "--output-file", File("read")});
  ASSERT_EQ(read.exit_code, 0) << read.err;
  // RFC 4055 section 1.2's key for PSS alone is of a type that PKCS#11 does not have.
  EXPECT_EQ(
      DoInSoftware({"pkey", "-pubin", "-noout", "-text"}, pem),
      DoInSoftware({"pkey", "-pubin", "-inform", "DER", "-in", File("read"), "-noout", "-text"}) +
          (GetParam().pss_alone ? "No PSS parameter restrictions\n" : ""));
}

TEST_P(OpensslKeyTest, ShowsWhereItIs) {
  for (const std::string& text : {Do({"pkey", "-in", GetParam().Uri(), "-noout", "-text"}),
                                  Do({"storeutl", "-noout", "-text", GetParam().Uri()})}) {
    EXPECT_THAT(text, HasSubstr("Private key on a PKCS#11 token"));
    EXPECT_THAT(text, HasSubstr(absl::StrCat("token=web;id=%", GetParam().id,
                                             ";object=", GetParam().label, ";type=private\n")));
    EXPECT_THAT(text, HasSubstr("Public-Key: ("));
  }
}

TEST_P(OpensslKeyTest, SignsARequest) {
  const std::string request = File("csr.pem");
  Do({"req", "-new", "-key", GetParam().Uri(), "-subj", "/CN=www.example.com", "-addext",
      "subjectAltName=DNS:www.example.com", "-out", request});
  for (const testing::Finished& verified :
       {Software({"req", "-verify", "-noout", "-in", request}),
        Openssl({"req", "-verify", "-noout", "-in", request})}) {
    EXPECT_EQ(verified.exit_code, 0);
    EXPECT_EQ(verified.err, "Certificate request self-signature verify OK\n");
  }
  EXPECT_EQ(DoInSoftware({"req", "-in", request, "-noout", "-pubkey"}),
            Do({"pkey", "-in", GetParam().Uri(), "-pubout"}));
  EXPECT_EQ(DoInSoftware({"req", "-in", request, "-noout", "-subject"}),
            "subject=CN = www.example.com\n");
}

TEST_P(OpensslKeyTest, IssuesCertificatesAsACa) {
  const std::string ca = Certificate(GetParam());
  EXPECT_EQ(DoInSoftware({"verify", "-x509_strict", "-check_ss_sig", "-CAfile", ca, ca}),
            ca + ": OK\n");
  DoInSoftware({"req", "-new", "-key", SoftwareKey("leaf.key"), "-subj", "/CN=leaf", "-out",
                File("leaf.csr")});
  const std::string leaf = File("leaf.pem");
  Do({"x509", "-req", "-in", File("leaf.csr"), "-CA", ca, "-CAkey", GetParam().Uri(), "-days", "1",
      "-extfile", Write("ext", "basicConstraints=CA:FALSE\nsubjectAltName=DNS:leaf\n"), "-out",
      leaf});
  EXPECT_EQ(DoInSoftware({"verify", "-CAfile", ca, leaf}), leaf + ": OK\n");
  EXPECT_EQ(Do({"verify", "-CAfile", ca, leaf}), leaf + ": OK\n");
  EXPECT_EQ(DoInSoftware({"x509", "-in", leaf, "-noout", "-ext", "subjectAltName"}),
            "X509v3 Subject Alternative Name: \n    DNS:leaf\n");
}

TEST_P(OpensslKeyTest, SignsWithEachDigest) {
  for (const char* digest : {"-sha256", "-sha384", "-sha512"}) {
    SCOPED_TRACE(digest);
    SignAndVerify(GetParam(), digest, {});
  }
}

TEST_P(OpensslKeyTest, SignsADigestThatTheCallerMade) {
  Write("data", "to be signed");
  DoInSoftware({"dgst", "-sha256", "-binary", "-out", File("digest"), File("data")});
  Arguments sign = {"pkeyutl",  "-sign",         "-inkey", GetParam().Uri(), "-in", File("digest"),
                    "-pkeyopt", "digest:sha256", "-out",   File("signature")};
  Do(sign);
  EXPECT_EQ(DoInSoftware({"dgst", "-sha256", "-verify", PublicKey(GetParam()), "-signature",
                          File("signature"), File("data")}),
            "Verified OK\n");
}

TEST_P(OpensslKeyTest, SignsAMessage) {
  const std::string signer = Certificate(GetParam());
  const std::string data = Write("data", "a message");
  for (const bool attached : {true, false}) {
    SCOPED_TRACE(attached);
    Arguments sign = {"cms",  "-sign",  "-binary",        "-in", data,     "-signer",
                      signer, "-inkey", GetParam().Uri(), "-md", "sha256", "-outform",
                      "DER",  "-out",   File("cms")};
    if (attached) sign.emplace_back("-nodetach");
    // OpenSSL writes PKCS#1 v1.5 otherwise, for a software key of this type too.
    if (GetParam().pss_alone) sign.insert(sign.end(), {"-keyopt", "rsa_padding_mode:pss"});
    Do(sign);
    Arguments verify = {"cms", "-verify",   "-binary", "-inform", "DER",
                        "-in", File("cms"), "-CAfile", signer};
    if (!attached) verify.insert(verify.end(), {"-content", data});
    EXPECT_EQ(DoInSoftware(verify), "a message");
    EXPECT_EQ(Do(verify), "a message");
    if (attached) continue;
    verify.back() = Write("other", "a massage");
    EXPECT_NE(Software(verify).exit_code, 0);
  }
}

class OpensslRsaTest : public OpensslKeyTest {};
INSTANTIATE_TEST_SUITE_P(Keys, OpensslRsaTest, ::testing::Values(Rsa(), Pss()),
                         [](const auto& info) { return info.param.label; });

TEST_P(OpensslRsaTest, SignsWithPss) {
  for (const char* salt : {"digest", "max", "0", "20"}) {
    SCOPED_TRACE(salt);
    SignAndVerify(
        GetParam(), "-sha256",
        {"-sigopt", "rsa_padding_mode:pss", "-sigopt", absl::StrCat("rsa_pss_saltlen:", salt)});
  }
  SignAndVerify(GetParam(), "-sha512",
                {"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_mgf1_md:sha512"});
}

TEST_P(OpensslRsaTest, SignsCertificatesWithPss) {
  const Arguments pss = {"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"};
  Arguments issue = {"req",   "-new",    "-x509", "-sha384",     "-key", GetParam().Uri(),
                     "-subj", "/CN=pss", "-out",  File("ca.pem")};
  issue.insert(issue.end(), pss.begin(), pss.end());
  Do(issue);
  EXPECT_EQ(DoInSoftware({"verify", "-check_ss_sig", "-CAfile", File("ca.pem"), File("ca.pem")}),
            File("ca.pem") + ": OK\n");
  EXPECT_THAT(DoInSoftware({"x509", "-in", File("ca.pem"), "-noout", "-text"}),
              HasSubstr("Signature Algorithm: rsassaPss"));
}

class SoftwareKeysTest : public OpensslTest {};

// The token's provider is loaded, and everything else is as without it.
TEST_F(SoftwareKeysTest, GoOnWorkingBesideTheToken) {
  for (const Arguments& type :
       {Arguments{"RSA", "rsa_keygen_bits:2048"}, Arguments{"RSA-PSS", "rsa_keygen_bits:2048"},
        Arguments{"EC", "ec_paramgen_curve:P-521"}}) {
    SCOPED_TRACE(type.front());
    const std::string key = File("soft.key");
    Do({"genpkey", "-quiet", "-algorithm", type[0], "-pkeyopt", type[1], "-out", key});
    Do({"pkey", "-in", key, "-pubout", "-out", File("soft.pub")});
    EXPECT_THAT(Do({"pkey", "-in", key, "-noout", "-text"}), HasSubstr("Private-Key: ("));
    const std::string data = Write("data", "to be signed");
    // With a digest that keyward does not take.
    Do({"dgst", "-sha3-256", "-sign", key, "-out", File("signature"), data});
    EXPECT_EQ(DoInSoftware({"dgst", "-sha3-256", "-verify", File("soft.pub"), "-signature",
                            File("signature"), data}),
              "Verified OK\n");
    Do({"req", "-new", "-x509", "-key", key, "-subj", "/CN=soft", "-out", File("soft.pem")});
    EXPECT_EQ(
        DoInSoftware({"verify", "-check_ss_sig", "-CAfile", File("soft.pem"), File("soft.pem")}),
        File("soft.pem") + ": OK\n");
  }
}

// One process, both kinds: the CA's key in software, the request's on the token.
TEST_F(SoftwareKeysTest, WorkWithTheTokensInOneProcess) {
  Do({"req", "-new", "-x509", "-key", SoftwareKey("ca.key"), "-subj", "/CN=ca", "-out",
      File("ca.pem")});
  Do({"req", "-new", "-x509", "-CA", File("ca.pem"), "-CAkey", File("ca.key"), "-key", Rsa().Uri(),
      "-subj", "/CN=token", "-out", File("token.pem")});
  EXPECT_EQ(DoInSoftware({"verify", "-CAfile", File("ca.pem"), File("token.pem")}),
            File("token.pem") + ": OK\n");
  EXPECT_EQ(DoInSoftware({"x509", "-in", File("token.pem"), "-noout", "-pubkey"}),
            Read(PublicKey(Rsa())));
}

}  // namespace
}  // namespace keyward
