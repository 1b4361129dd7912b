#include "keystore/certificate/certificate_signing_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "common/error.h"
#include "common/file.h"
#include "tests/keystore/certificate/test_ca.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CertificateSigningRequestTest : public ::testing::Test {
 protected:
  static EVP_PKEY& key() {
    static EVP_PKEY* const kKey = EVP_RSA_gen(2048);
    return *kKey;
  }

  static absl::StatusOr<std::string> Create(const CsrSubject& subject,
                                            const SubjectAltNames& names = {}) {
    return CreateCertificateRequest(subject, names, key(), nullptr);
  }

  // What the openssl command makes of a request, whose signature it verifies.
  static std::string Describe(const absl::StatusOr<std::string>& der) {
    EXPECT_TRUE(der.ok()) << der.status();
    if (!der.ok()) return "";
    testing::TempDir dir;
    EXPECT_TRUE(WriteFile(dir.File("r.der"), *der).ok());
    const testing::Finished run = testing::Run(
        {"openssl", "req", "-inform", "DER", "-in", dir.File("r.der"), "-noout", "-verify", "-text",
         "-nameopt", "RFC2253,utf8,-esc_msb", "-reqopt", "ext_parse"});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out + run.err, HasSubstr("verify OK"));
    return run.out;
  }

  static void ExpectRefused(const CsrSubject& subject, const std::string& says) {
    const absl::Status status = Create(subject).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_EQ(ReasonOf(status), "CSR_SUBJECT_INVALID") << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
  }
};

TEST_F(CertificateSigningRequestTest, SaysWhatItWasAsked) {
  const std::string text = Describe(Create({.common_name = "acme",
                                            .organization = "B\xC3\xBCro, Ltd.",
                                            .organizational_unit = "Integration",
                                            .country = "de",
                                            .state = "Bavaria",
                                            .locality = "Munich"},
                                           {.dns = {"acme.example.com", "*.example.com"},
                                            .email = {"keys@example.com"},
                                            .uri = {"spiffe://example.com/acme"},
                                            .ip = {"192.0.2.7", "2001:db8::7"}}));
  EXPECT_THAT(text, HasSubstr("Version: 1 (0x0)"));
  EXPECT_THAT(text, HasSubstr("Subject: CN=acme,OU=Integration,O=B\xC3\xBCro\\, Ltd.,L=Munich,"
                              "ST=Bavaria,C=DE\n"));
  EXPECT_THAT(text,
              HasSubstr("X509v3 Key Usage: critical\n                    Digital Signature\n"));
  EXPECT_THAT(text, HasSubstr("X509v3 Subject Alternative Name: \n                    "
                              "DNS:acme.example.com, DNS:*.example.com, email:keys@example.com, "
                              "URI:spiffe://example.com/acme, IP Address:192.0.2.7, "
                              "IP Address:2001:DB8:0:0:0:0:0:7\n"));
  EXPECT_THAT(text, HasSubstr("Signature Algorithm: sha256WithRSAEncryption"));
}

TEST_F(CertificateSigningRequestTest, NeedsOnlyOneName) {
  const std::string text = Describe(Create({.common_name = "acme"}));
  EXPECT_THAT(text, HasSubstr("Subject: CN=acme\n"));
  EXPECT_THAT(text, Not(HasSubstr("Alternative")));
  const std::string bare = Describe(Create({}, {.dns = {"acme.example.com"}}));
  EXPECT_THAT(bare, HasSubstr("X509v3 Subject Alternative Name: critical")) << "without a subject";
  ExpectRefused({}, "needs a subject");
}

TEST_F(CertificateSigningRequestTest, IsForTheKeyThatSignsIt) {
  const std::string der = *Create({.common_name = "acme"});
  const auto* begin = reinterpret_cast<const uint8_t*>(der.data());
  const std::unique_ptr<X509_REQ, OpensslDeleter<&X509_REQ_free>> request(
      d2i_X509_REQ(nullptr, &begin, static_cast<long>(der.size())));
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(EVP_PKEY_eq(X509_REQ_get0_pubkey(request.get()), &key()), 1);
}

TEST_F(CertificateSigningRequestTest, EllipticCurvesWorkToo) {
  const EvpPkeyPtr ec(EVP_EC_gen("P-256"));
  EXPECT_THAT(Describe(CreateCertificateRequest({.common_name = "acme"}, {}, *ec, nullptr)),
              HasSubstr("ecdsa-with-SHA256"));
}

TEST_F(CertificateSigningRequestTest, AKeyThatDoesNotSignIsAnError) {
  const std::string der = *EncodeDer<&i2d_PUBKEY>(&key());
  const auto* begin = reinterpret_cast<const uint8_t*>(der.data());
  const EvpPkeyPtr public_key(d2i_PUBKEY(nullptr, &begin, static_cast<long>(der.size())));
  const absl::Status status =
      CreateCertificateRequest({.common_name = "acme"}, {}, *public_key, nullptr).status();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
}

TEST_F(CertificateSigningRequestTest, ASignatureThatDoesNotVerifyIsRefused) {
  const absl::Status status =
      CreateCertificateRequest({.common_name = "acme"}, {}, *testing::BrokenKey(), nullptr)
          .status();
  EXPECT_TRUE(absl::IsInternal(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("does not verify"));
}

TEST_F(CertificateSigningRequestTest, NamesHaveTheLimitsOfRfc5280) {
  struct Case {
    std::string CsrSubject::*value;
    size_t limit;
    std::string name;
  };
  for (const Case& c :
       {Case{&CsrSubject::common_name, 64, "common name"},
        Case{&CsrSubject::organization, 64, "organization"},
        Case{&CsrSubject::organizational_unit, 64, "organizational unit"},
        Case{&CsrSubject::state, 128, "state"}, Case{&CsrSubject::locality, 128, "locality"}}) {
    CsrSubject subject;
    // Characters of two bytes: the limit is not one of bytes.
    std::string text;
    for (size_t i = 0; i < c.limit; ++i) text += "\xC3\xBC";
    subject.*c.value = text;
    EXPECT_TRUE(Create(subject).ok()) << c.name << Create(subject).status();
    subject.*c.value = text + "u";
    ExpectRefused(subject, c.name);
    for (const std::string& bad :
         {std::string("a\nb"), std::string("a\0b", 3), std::string("a\x7F"), std::string("\xFF")}) {
      subject.*c.value = bad;
      ExpectRefused(subject, c.name);
    }
  }
}

TEST_F(CertificateSigningRequestTest, ACountryIsTwoLetters) {
  for (const std::string& country :
       {std::string("U"), std::string("USA"), std::string("U1"), std::string("\xC3\xBC"),
        std::string("U\0", 2), std::string("  ")}) {
    ExpectRefused({.common_name = "acme", .country = country}, "country");
  }
  EXPECT_THAT(Describe(Create({.common_name = "acme", .country = "US"})), HasSubstr("C=US"));
}

TEST_F(CertificateSigningRequestTest, SubjectsHoldTextNotSyntax) {
  const std::string text =
      Describe(Create({.common_name = "acme,O=Evil/CN=evil+OU=x", .organization = "#04024869"}));
  EXPECT_THAT(text, HasSubstr("Subject: CN=acme\\,O=Evil/CN=evil\\+OU=x,O=\\#04024869\n"));
}

TEST_F(CertificateSigningRequestTest, BadAlternativeNamesAreRefused) {
  EXPECT_EQ(ReasonOf(Create({.common_name = "acme"}, {.dns = {"a,DNS:evil.example"}}).status()),
            "CSR_SAN_INVALID");
}

}  // namespace
}  // namespace keyward
