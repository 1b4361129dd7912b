// What the openssl command says when something is wrong: a reason of its own for each
// thing, and what to do. It never says the PIN.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "tests/e2e_openssl/openssl_fixture.h"

namespace keyward {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kOrder[] = "default = first\nkeyward = second\n";
constexpr char kWrongPin[] = "271828-wrong";

class OpensslErrorsTest : public OpensslTest {
 protected:
  OpensslErrorsTest() { Write("data", "to be signed"); }

  Arguments Sign(const std::string& uri) const {
    return {"dgst", "-sha256", "-sign", uri, "-out", File("signature"), File("data")};
  }

  // That the command fails with this reason, and with this in its sentence.
  void Expect(const std::string& reason, const std::string& sentence, const Arguments& arguments,
              const std::string& configuration) const {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    const testing::Finished finished = OpensslAs(configuration, arguments);
    EXPECT_NE(finished.exit_code, 0);
    EXPECT_LT(finished.exit_code, 128) << "killed by a signal";
    EXPECT_THAT(finished.err, HasSubstr(absl::StrCat(":", reason, ":keyward:")));
    EXPECT_THAT(finished.err, HasSubstr(sentence));
    for (const std::string& text : {finished.out, finished.err}) {
      EXPECT_THAT(text, AllOf(Not(HasSubstr(kWrongPin)), Not(HasSubstr("PRIVATE KEY"))));
    }
  }
  void Expect(const std::string& reason, const std::string& sentence,
              const Arguments& arguments) const {
    Expect(reason, sentence, arguments, configuration());
  }
  void ExpectOfUri(const std::string& reason, const std::string& sentence,
                   const std::string& uri) const {
    Expect(reason, sentence, Sign(uri));
  }

  // keyward's section with a PIN that the token does not know.
  std::string WithWrongPin() const {
    return Configuration(
        "wrong-pin.cnf", kOrder,
        absl::StrCat(Settings(), "pin-source = ", Write("wrong", kWrongPin), "\n"));
  }
};

TEST_F(OpensslErrorsTest, WrongPin) {
  Expect("PIN refused", "CKR_PIN_INCORRECT", Sign(Rsa().Uri()), WithWrongPin());
  Expect("PIN refused", absl::StrCat("the PIN from ", File("wrong"), "; correct it"),
         {"storeutl", "-noout", "pkcs11:"}, WithWrongPin());
  // The token has not been locked by them.
  EXPECT_THAT(Do({"storeutl", "-noout", "-keys", "pkcs11:"}), HasSubstr("Total found: 4"));
}

TEST_F(OpensslErrorsTest, NoPin) {
  const std::string bare = Configuration("bare.cnf", kOrder, Settings());
  Expect("PIN needed", "add ?pin-source=file:/path", Sign(Rsa().Uri()), bare);
  Expect("PIN cannot be read", "/nowhere/pin", Sign(Rsa().Uri() + "?pin-source=file:/nowhere/pin"),
         bare);
}

TEST_F(OpensslErrorsTest, MissingToken) {
  ExpectOfUri("token not found", "has web", "pkcs11:token=nowhere;object=rsa");
  softhsm_.InitToken("another");
  Expect("more than one token matches", "add token= or serial=", Sign("pkcs11:object=rsa"),
         Configuration("any.cnf", kOrder,
                       absl::StrCat("pkcs11-module = ", testing::kSoftHsmModule, "\n")));
}

TEST_F(OpensslErrorsTest, MissingObject) {
  ExpectOfUri("object not found", "see what it has with openssl storeutl", "pkcs11:object=nobody");
  ExpectOfUri("object not found", "has no private key", "pkcs11:object=rsa;id=%03");
}

TEST_F(OpensslErrorsTest, ObjectOfTheWrongType) {
  ExpectOfUri("object of the wrong type", "a private key is needed here",
              "pkcs11:object=rsa;type=public");
  Expect("object of the wrong type", "is not a certificate",
         {"x509", "-noout", "-in", "pkcs11:object=rsa"});
}

TEST_F(OpensslErrorsTest, TwoObjectsThatMatch) {
  ASSERT_EQ(
      Pkcs11Tool({"--keypairgen", "--key-type", "EC:prime256v1", "--label", "rsa", "--id", "09"})
          .exit_code,
      0);
  ExpectOfUri("more than one object matches", "add id= to the URI", Rsa().Uri());
  Do(Sign("pkcs11:object=rsa;id=%09;type=private"));
}

TEST_F(OpensslErrorsTest, UriThatDoesNotParse) {
  for (const char* uri : {"pkcs11:object=%zz", "pkcs11:object=rsa;type=elephant",
                          "pkcs11:object=rsa;what=ever", "pkcs11:object=rsa?module-path=rel.so"}) {
    ExpectOfUri("not a PKCS#11 URI", ":keyward:0:", uri);
  }
}

TEST_F(OpensslErrorsTest, MissingModule) {
  ExpectOfUri("PKCS#11 module not loaded", "/nowhere.so",
              "pkcs11:object=rsa?module-path=/nowhere.so");
  ExpectOfUri("PKCS#11 module not loaded", File("data"),
              absl::StrCat("pkcs11:object=rsa?module-path=", File("data")));
  Expect("PKCS#11 module not loaded", "/gone.so", Sign(Rsa().Uri()),
         Configuration("gone.cnf", kOrder, "pkcs11-module = /gone.so\n"));
  Expect("configuration invalid", "set pkcs11-module", Sign(Rsa().Uri()),
         Configuration("none.cnf", kOrder, ""));
}

TEST_F(OpensslErrorsTest, UnknownDigest) {
  for (const TokenKey& key : {Rsa(), Ec256()}) {
    for (const char* digest : {"md5", "sha1", "sha3-256"}) {
      Arguments sign = Sign(key.Uri());
      sign[1] = absl::StrCat("-", digest);
      Expect("digest not supported", "use SHA256, SHA384 or SHA512", sign);
    }
  }
}

TEST_F(OpensslErrorsTest, SaltThatIsTooLong) {
  Arguments sign = Sign(Rsa().Uri());
  sign.insert(sign.begin() + 1,
              {"-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:223"});
  Expect("PSS salt too long", "at most 222", sign);
  sign[4] = "rsa_pss_saltlen:222";
  Do(sign);
}

TEST_F(OpensslErrorsTest, PaddingThatIsNotThere) {
  Arguments sign = Sign(Pss().Uri());
  sign.insert(sign.begin() + 1, {"-sigopt", "rsa_padding_mode:pkcs1"});
  Expect("padding not supported", "with pss alone", sign);
  sign[2] = "rsa_padding_mode:x931";
  Expect("padding not supported", "pkcs1 and pss", sign);
}

TEST_F(OpensslErrorsTest, PrivateKeyThatShallBeWritten) {
  for (const TokenKey& key : AllKeys()) {
    const std::string file = File("leak");
    for (const Arguments& arguments :
         {Arguments{"pkey", "-in", key.Uri()}, Arguments{"pkey", "-in", key.Uri(), "-out", file},
          Arguments{"pkey", "-in", key.Uri(), "-outform", "DER", "-out", file},
          Arguments{"pkey", "-in", key.Uri(), "-aes256", "-passout", "pass:secret", "-out", file},
          Arguments{"pkcs12", "-export", "-inkey", key.Uri(), "-in", Certificate(key), "-passout",
                    "pass:secret", "-out", file}}) {
      Expect("the private key cannot leave the token", "stays there; write its public half",
             arguments);
      EXPECT_TRUE(access(file.c_str(), F_OK) != 0 || Read(file).empty());
    }
  }
}

// OpenSSL says nothing of a provider in openssl.cnf that does not start.
TEST_F(OpensslErrorsTest, LoadedBeforeDefault) {
  const std::string right = absl::StrCat(Settings(), "pin-source = ", File("pin"), "\n");
  const std::string reversed =
      Configuration("reversed.cnf", "keyward = second\ndefault = first\n", right);
  const std::string alone = Configuration("alone.cnf", "keyward = second\n", right);
  for (const std::string& configuration : {reversed, alone}) {
    Expect("loaded before the default provider", "activate it first in openssl.cnf",
           Sign(Rsa().Uri()), configuration);
    Expect("loaded before the default provider", "activate it first in openssl.cnf",
           {"storeutl", "-noout", "pkcs11:"}, configuration);
  }
  // It has taken none of the software keys.
  for (const char* algorithm : {"RSA", "EC"}) {
    Arguments make = {"genpkey", "-quiet", "-algorithm", algorithm, "-out", File("key")};
    if (algorithm[0] == 'E') make.insert(make.end(), {"-pkeyopt", "ec_paramgen_curve:P-256"});
    EXPECT_EQ(OpensslAs(reversed, make).exit_code, 0);
    const testing::Finished signing = OpensslAs(reversed, Sign(File("key")));
    EXPECT_EQ(signing.exit_code, 0) << signing.err;
  }
}

TEST_F(OpensslErrorsTest, NoErrorIsWithoutAReasonOfItsOwn) {
  const std::string bare = Configuration("bare.cnf", kOrder, Settings());
  std::set<std::string> codes;
  const std::vector<std::pair<std::string, Arguments>> failures = {
      {WithWrongPin(), Sign(Rsa().Uri())},
      {bare, Sign(Rsa().Uri())},
      {configuration(), Sign("pkcs11:token=nowhere")},
      {configuration(), Sign("pkcs11:object=nobody")},
      {configuration(), Sign("pkcs11:object=rsa;type=cert")},
      {configuration(), Sign("pkcs11:object=%zz")},
      {configuration(), Sign("pkcs11:object=rsa?module-path=/nowhere.so")},
      {configuration(), {"dgst", "-md5", "-sign", Rsa().Uri(), File("data")}},
      {configuration(), {"pkey", "-in", Rsa().Uri()}},
  };
  for (const auto& [configuration, arguments] : failures) {
    // The process, error, the code, the library's name.
    const std::string err = OpensslAs(configuration, arguments).err;
    const size_t library = err.find(":keyward:");
    ASSERT_NE(library, std::string::npos) << err;
    codes.insert(err.substr(library - 3, 3));
  }
  EXPECT_EQ(codes.size(), failures.size());
}

}  // namespace
}  // namespace keyward
