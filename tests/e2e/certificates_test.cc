// Certificates of a connection's keys: requests, imports, renewal, download.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "tests/e2e/certificates_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(CertificatesTest, ACaOfTheOrganisationIssuesTheCertificate) {
  const std::string self_signed = Fingerprint();
  EXPECT_EQ(OnToken(), "SAME");
  Do({"key", "csr", "acme", "--version", "1", "--organization", "Acme, Inc", "--country", "US",
      "--dns", "keyward.acme.example", "--ip", "192.0.2.7", "--out", File("acme.csr")});
  const std::string text = Openssl(
      {"req", "-in", File("acme.csr"), "-verify", "-noout", "-text", "-nameopt", "RFC2253"});
  EXPECT_THAT(text, HasSubstr("CN=acme,O=Acme\\, Inc,C=US"));
  EXPECT_THAT(text, HasSubstr("DNS:keyward.acme.example, IP Address:192.0.2.7"));

  MakeCa();
  Issue("acme.csr", "acme.crt");
  const json imported = DoJson({"key", "import-certificate", "acme", File("acme.crt"), "--version",
                                "1", "--chain", File("ca.pem")});
  EXPECT_EQ(imported.value("chain", 0), 1) << imported;
  EXPECT_NE(Fingerprint(), self_signed);
  EXPECT_EQ(OnToken(), "SAME");
  EXPECT_TRUE(Sign().ok()) << "the same key signs";

  // The chain comes down with it, and verifies for openssl.
  const std::string pem = Do({"certificate", "download", "acme", "--out", File("chain.pem")});
  EXPECT_EQ(*ReadFile(File("chain.pem")), *ReadFile(File("acme.crt")) + *ReadFile(File("ca.pem")));
  Openssl({"verify", "-CAfile", File("ca.pem"), File("chain.pem")});
  EXPECT_EQ(Do({"certificate", "download", "acme", "--no-chain"}), *ReadFile(File("acme.crt")));

  // A self-signed one in its place would not be trusted.
  EXPECT_EQ(Refusal(Keyward({"certificate", "renew", "acme"})), "CERTIFICATE_FROM_CA");
  Stop();
  Start();
  EXPECT_EQ(*ReadFile(File("chain.pem")), Do({"certificate", "download", "acme"}));
  EXPECT_TRUE(Sign().ok());
}

TEST_F(CertificatesTest, WhatIsNotTheKeysCertificateIsRefusedAndChangesNothing) {
  const std::string before = Fingerprint();
  MakeCa();
  CreateConnection("other");
  Do({"key", "csr", "other", "--out", File("other.csr")});
  Issue("other.csr", "other.crt");
  Do({"key", "csr", "acme", "--version", "1", "--out", File("acme.csr")});
  Issue("acme.csr", "encipherment.crt", "keyUsage=keyEncipherment\n");
  Issue("acme.csr", "good.crt");
  Openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", File("stranger.key"), "-out",
           File("stranger.pem"), "-subj", "/CN=Stranger"});

  const auto import = [&](const std::vector<std::string>& files) {
    std::vector<std::string> arguments = {"key", "import-certificate", "acme", "--version",
                                          "1",   File(files[0])};
    for (size_t i = 1; i < files.size(); ++i) {
      arguments.insert(arguments.end(), {"--chain", File(files[i])});
    }
    return Refusal(Keyward(arguments));
  };
  EXPECT_EQ(import({"other.crt"}), "CERTIFICATE_KEY_MISMATCH");
  EXPECT_EQ(import({"encipherment.crt", "ca.pem"}), "CERTIFICATE_USAGE_INVALID");
  EXPECT_EQ(import({"good.crt", "stranger.pem"}), "CERTIFICATE_CHAIN_INVALID");
  EXPECT_EQ(import({"ca.key"}), "CERTIFICATE_FILE_INVALID");
  EXPECT_EQ(import({"acme.csr"}), "CERTIFICATE_FILE_INVALID");
  EXPECT_EQ(
      Refusal(Keyward({"key", "import-certificate", "acme", File("good.crt"), "--version", "7"})),
      "KEY_VERSION_NOT_FOUND");
  EXPECT_EQ(
      Refusal(Keyward({"key", "import-certificate", "acme", File("good.crt"), "--version", "1"},
                      "backend")),
      "NOT_ALLOWED");
  EXPECT_EQ(Fingerprint(), before);
  EXPECT_EQ(OnToken(), "SAME");
}

TEST_F(CertificatesTest, DerThatSalesforceWouldRefuseIsNotWritten) {
  MakeCa();
  Do({"key", "csr", "acme", "--version", "1", "--out", File("acme.csr")});
  std::string extensions = "subjectAltName=DNS:a.example";
  for (int i = 0; i < 250; ++i) absl::StrAppend(&extensions, ",DNS:name-", i, ".acme.example");
  Issue("acme.csr", "long.crt", absl::StrCat(extensions, "\n"));
  Do({"key", "import-certificate", "acme", File("long.crt"), "--version", "1"});
  const testing::Finished der =
      Keyward({"certificate", "download", "acme", "--der", "--out", File("acme.der")});
  EXPECT_EQ(Refusal(der), "CERTIFICATE_TOO_LONG");
  EXPECT_THAT(der.err, HasSubstr("Salesforce takes at most 4096"));
  EXPECT_FALSE(ReadFile(File("acme.der")).ok());
  EXPECT_EQ(Do({"certificate", "download", "acme"}), *ReadFile(File("long.crt")));
}

TEST_F(CertificatesTest, RenewalKeepsTheKey) {
  const json before = DoJson({"key", "inspect", "acme"});
  const std::string pem = Do({"certificate", "renew", "acme", "--version", "1", "--days", "400"});
  EXPECT_THAT(pem, StartsWith("-----BEGIN CERTIFICATE-----"));
  const json after = DoJson({"key", "inspect", "acme"});
  EXPECT_EQ(before["key_version"]["kid"], after["key_version"]["kid"]);
  EXPECT_NE(before["certificate"]["sha256_fingerprint"],
            after["certificate"]["sha256_fingerprint"]);
  EXPECT_EQ(after["certificate"].value("on_token", ""), "SAME");
  EXPECT_TRUE(Sign().ok());
  EXPECT_EQ(Refusal(Keyward({"certificate", "renew", "acme"}, "backend")), "NOT_ALLOWED");
  EXPECT_EQ(Keyward({"certificate", "renew", "acme", "--days", "3651"}).exit_code, 2);

  const std::vector<json> audit = Audit();
  const auto renewed = std::find_if(audit.begin(), audit.end(), [](const json& record) {
    return record.value("method", "") == "RenewCertificate";
  });
  ASSERT_NE(renewed, audit.end());
  EXPECT_EQ(renewed->value("key_version", 0), 1) << *renewed;
}

TEST_F(CertificatesTest, InspectionShowsTheKeyAsTheTokenHasIt) {
  const json details = DoJson({"key", "inspect", "acme", "--version", "1"});
  const json& attributes = details["attributes"];
  for (const char* name : {"CKA_SENSITIVE", "CKA_ALWAYS_SENSITIVE", "CKA_NEVER_EXTRACTABLE",
                           "CKA_LOCAL", "CKA_SIGN"}) {
    EXPECT_EQ(attributes.value(name, false), true) << name << details;
  }
  for (const char* name : {"CKA_EXTRACTABLE", "CKA_DECRYPT", "CKA_UNWRAP", "CKA_DERIVE"}) {
    EXPECT_EQ(attributes.value(name, true), false) << name << details;
  }
  EXPECT_EQ(details.value("modulus_bits", 0), 2048);
  EXPECT_EQ(details.value("label", ""), "keyward/acme/1");
  EXPECT_EQ(details.value("refusal", "?"), "");
  const std::string uri = details.value("uri", "");
  EXPECT_THAT(uri, StartsWith("pkcs11:"));
  EXPECT_THAT(uri, HasSubstr(absl::StrCat("token=", testing::kSignerToken)));
  EXPECT_THAT(uri, Not(HasSubstr("pin")));

  // Both fingerprints are openssl's.
  Do({"certificate", "download", "acme", "--out", File("acme.pem")});
  for (const char* algorithm : {"sha1", "sha256"}) {
    EXPECT_THAT(Openssl({"x509", "-in", File("acme.pem"), "-noout", "-fingerprint",
                         absl::StrCat("-", algorithm)}),
                HasSubstr("=" + details["certificate"].value(
                                    absl::StrCat(algorithm, "_fingerprint"), "missing")));
  }
  EXPECT_THAT(Do({"key", "inspect", "acme"}), HasSubstr("CKA_NEVER_EXTRACTABLE"));
  EXPECT_EQ(Refusal(Keyward({"key", "inspect", "acme", "--version", "9"})),
            "KEY_VERSION_NOT_FOUND");
}

TEST_F(CertificatesTest, WhoMayViewInspectsAKeyWithoutItsPlaceOnTheToken) {
  const testing::Finished viewed =
      Keyward({"key", "inspect", "acme", "--output", "json"}, "backend");
  ASSERT_EQ(viewed.exit_code, 0) << viewed.err;
  json view = json::parse(viewed.out, nullptr, false);
  json whole = DoJson({"key", "inspect", "acme"});
  for (const char* place : {"uri", "label", "key_id"}) {
    EXPECT_EQ(view.value(place, "missing"), "") << place;
    EXPECT_NE(whole.value(place, ""), "") << place;
    view.erase(place);
    whole.erase(place);
  }
  EXPECT_EQ(view, whole);
  EXPECT_THAT(viewed.out, Not(HasSubstr("keyward/acme")));
  EXPECT_THAT(viewed.out, Not(HasSubstr(testing::kSignerToken)));
  EXPECT_EQ(Audit().back().value("role", ""), "operators");

  // One who may only sign sees nothing, and whoever may view one connection no other.
  CreateConnection("other");
  EXPECT_EQ(Refusal(Keyward({"key", "inspect", "other"}, "backend")), "NOT_ALLOWED");
  Stop();
  signer_.Write("policy.yaml",
                testing::Replaced(testing::kDefaultPolicy, "[sign, view]", "[sign]"));
  Start();
  EXPECT_EQ(Refusal(Keyward({"key", "inspect", "acme"}, "backend")), "NOT_ALLOWED");
}

TEST_F(CertificatesTest, TheJwkSetHasEveryKeyThatMaySign) {
  MakeForeignKey("ceremony", "c0ffee");
  Do({"key", "adopt", "acme", "--uri", "pkcs11:object=ceremony"});
  const testing::Finished jwks = Keyward({"key", "jwks", "acme"}, "backend");
  ASSERT_EQ(jwks.exit_code, 0) << jwks.err;
  const json set = json::parse(jwks.out, nullptr, false);
  ASSERT_EQ(set["keys"].size(), 2U) << jwks.out;
  std::vector<std::string> kids;
  for (const json& version : DoJson({"key", "list", "acme"})) {
    kids.push_back(version.value("kid", ""));
  }
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(set["keys"][i].value("kid", ""), kids[i]);
    EXPECT_EQ(set["keys"][i].value("alg", ""), "RS256");
    EXPECT_FALSE(set["keys"][i].contains("d"));
  }
  Do({"key", "jwks", "acme", "--out", File("jwks.json")});
  EXPECT_EQ(json::parse(*ReadFile(File("jwks.json")), nullptr, false), set);
  EXPECT_EQ(Refusal(Keyward({"key", "jwks", "nobody"})), "CONNECTION_NOT_FOUND");
}

TEST_F(CertificatesTest, ADeletedConnectionLeavesNoCertificateOnTheToken) {
  EXPECT_THAT(Objects(), HasSubstr("keyward/acme/1"));
  Do({"connection", "delete", "acme", "--yes"});
  // The audit log's own key stays, with its certificate and both of its halves.
  const std::string left = Objects();
  EXPECT_THAT(left, Not(HasSubstr("acme")));
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(left, "Object;")).size(), 3U + 1);
}

}  // namespace
}  // namespace keyward::e2e
