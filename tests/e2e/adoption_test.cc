// Keys that another tool made on the token, taken into a connection.
#include "absl/strings/str_cat.h"
#include "tests/e2e/certificates_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;

using AdoptionTest = CertificatesTest;

TEST_F(AdoptionTest, AKeyOfACeremonyBecomesAVersion) {
  MakeForeignKey("ceremony", "c0ffee", {"--usage-sign"}, "rsa:3072");
  const json adopted = DoJson({"key", "adopt", "acme", "--uri", "pkcs11:object=ceremony"});
  EXPECT_EQ(adopted.value("number", 0), 2) << adopted;
  EXPECT_EQ(adopted.value("state", ""), "PENDING");
  EXPECT_EQ(OnToken("2"), "SAME") << "it got a certificate";
  const auto signed_by_it = Client()->Sign("acme", GoodClaims(), {.key_version = 2});
  EXPECT_TRUE(signed_by_it.ok()) << signed_by_it.status();
  EXPECT_EQ(Client()->Sign("acme", GoodClaims())->key_version, 1U) << "the ACTIVE one still signs";

  // The label that the ceremony's record speaks of is still there.
  EXPECT_EQ(DoJson({"key", "inspect", "acme", "--version", "2"}).value("label", ""), "ceremony");
  EXPECT_EQ(Refusal(Keyward({"key", "adopt", "acme", "--uri", "pkcs11:id=%c0%ff%ee"})),
            "KEY_ID_EXISTS");
  Stop();
  Start();
  EXPECT_TRUE(Client()->Sign("acme", GoodClaims(), {.key_version = 2}).ok())
      << "and after a restart";
}

TEST_F(AdoptionTest, ACertificateThatTheCeremonyLeftIsKept) {
  MakeForeignKey("ceremony", "c0ffee");
  Do({"key", "adopt", "acme", "--uri", "pkcs11:object=ceremony"});
  const std::string pem = Do({"certificate", "download", "acme", "--version", "2"});
  const std::string etag = DoJson({"connection", "show", "acme"}).value("etag", "");
  EXPECT_NE(etag, "");

  // Another connection's attempt finds the certificate, and the key in use.
  CreateConnection("other");
  EXPECT_EQ(Refusal(Keyward({"key", "adopt", "other", "--uri", "pkcs11:object=ceremony"})),
            "KEY_ID_EXISTS");
  EXPECT_EQ(Do({"certificate", "download", "acme", "--version", "2"}), pem);
  EXPECT_EQ(OnToken("2"), "SAME");
}

TEST_F(AdoptionTest, WhatMustNotBeAdoptedIsNot) {
  MakeForeignKey("extractable", "01", {"--usage-sign", "--extractable"});
  MakeForeignKey("twin", "02");
  MakeForeignKey("twin", "03");
  MakeForeignKey("short", "04", {"--usage-sign"}, "rsa:1024");
  MakeForeignKey("curve", "05", {"--usage-sign"}, "EC:prime256v1");
  const auto adopt = [&](const std::string& uri, const std::string& client = "operator") {
    return Refusal(Keyward({"key", "adopt", "acme", "--uri", uri}, client));
  };
  EXPECT_EQ(adopt("pkcs11:object=extractable"), "KEY_NOT_ADOPTABLE");
  EXPECT_EQ(adopt("pkcs11:object=short"), "KEY_NOT_ADOPTABLE");
  EXPECT_EQ(adopt("pkcs11:object=curve"), "KEY_NOT_ADOPTABLE");
  EXPECT_EQ(adopt("pkcs11:object=twin"), "KEY_AMBIGUOUS");
  EXPECT_EQ(adopt("pkcs11:object=nowhere"), "KEY_NOT_ON_TOKEN");
  EXPECT_EQ(adopt("pkcs11:token=another;object=twin;id=%02"), "KEY_URI_INVALID");
  EXPECT_EQ(adopt("pkcs11:object=twin;type=public"), "KEY_URI_INVALID");
  EXPECT_EQ(adopt("pkcs11:object=twin;id=%02?pin-value=1234"), "KEY_URI_INVALID");
  EXPECT_EQ(adopt("not a uri"), "KEY_URI_INVALID");
  EXPECT_EQ(adopt(absl::StrCat("pkcs11:token=", testing::kSignerToken)), "KEY_URI_INVALID");
  EXPECT_EQ(adopt("pkcs11:object=twin;id=%02", "backend"), "NOT_ALLOWED");
  EXPECT_EQ(DoJson({"key", "list", "acme"}).size(), 1U) << "nothing was taken";
  // The URI that the message about twins asks for.
  EXPECT_EQ(
      DoJson({"key", "adopt", "acme", "--uri", "pkcs11:object=twin;id=%02"}).value("number", 0), 2);
}

}  // namespace
}  // namespace keyward::e2e
