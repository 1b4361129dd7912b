// keyward: usage, connections, certificates and keys.
#include <sys/stat.h>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/client/cli_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::Finished;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CliTest : public CliFixture {};

TEST_F(CliTest, WrongUsageIsExitCode2AndSaysNothingOnStdout) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"connection"},
      {"bogus"},
      {"connection", "bogus"},
      {"connection", "show"},
      {"connection", "show", "a", "b"},
      {"connection", "list", "--output", "yaml"},
      {"connection", "list", "--bogus"},
      {"connection", "create", "a", "--environment", "moon"},
      {"connection", "create", "a", "--environment", "custom"},
      {"connection", "create", "a", "--login-url", "https://a"},
      {"connection", "create", "a", "--environment", "sandbox", "--login-url", "https://a"},
      {"connection", "update", "acme"},
      {"connection", "update", "acme", "--environment", "sandbox", "--login-url", "https://a"},
      {"connection", "delete", "acme"},
      {"certificate", "download", "acme", "--version", "0"},
      {"certificate", "download", "acme", "--version", "4294967296"},
      {"certificate", "download", "acme", "--version", "-1"},
      {"certificate", "download", "acme", "--der", "--output", "json"},
      {"sign", "acme", "--lifetime", "0"},
      {"sign", "acme", "--lifetime", "301"},
      {"sign", "acme", "--lifetime", "1.5"},
      {"sign", "acme", "--claims", "-", "--subject", "x"},
      {"sign", "acme", "--claims", "-", "--lifetime", "60"},
      {"token", "acme", "--json", "--header"},
      {"token", "acme", "--header", "--output", "json"},
  };
  for (const auto& arguments : wrong) {
    const Finished finished = Keyward(arguments);
    EXPECT_EQ(finished.exit_code, 2) << ::testing::PrintToString(arguments) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.err, HasSubstr("--help"));
  }
  EXPECT_EQ(signer_.Calls("CreateConnection") + signer_.Calls("DeleteConnection"), 0);
}

TEST_F(CliTest, EveryVerbsHelpHasAnExample) {
  const std::vector<std::vector<std::string>> verbs = {{},
                                                       {"connection", "create"},
                                                       {"connection", "list"},
                                                       {"connection", "show"},
                                                       {"connection", "update"},
                                                       {"connection", "delete"},
                                                       {"certificate", "download"},
                                                       {"key", "list"},
                                                       {"sign"},
                                                       {"token"}};
  for (auto arguments : verbs) {
    arguments.emplace_back("--help");
    const Finished finished = Keyward(arguments);
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_THAT(finished.out, AllOf(HasSubstr("Example:\n"), HasSubstr("--output")));
  }
}

TEST_F(CliTest, EveryNounsHelpHasAnExampleOfItsOwn) {
  for (const std::string noun :
       {"approval", "audit", "certificate", "connection", "key", "policy"}) {
    EXPECT_THAT(Keyward({noun, "--help"}).out, AllOf(HasSubstr("Example:\n  keyward " + noun + " "),
                                                     ::testing::Not(HasSubstr("keyward token"))));
  }
}

TEST_F(CliTest, CreatesWithEveryField) {
  const auto json = Json({"connection",     "create",      "new",
                          "--consumer-key", "K",           "--environment",
                          "custom",         "--login-url", "https://n.my.salesforce.com",
                          "--audience",     "https://a",   "--audience",
                          "https://b",      "--subject",   "s@x",
                          "--subject",      "t@x",         "--include-kid",
                          "--output",       "json"});
  EXPECT_EQ(json["name"], "new");
  EXPECT_EQ(json["consumer_key"], "K");
  EXPECT_EQ(json["environment"], "CUSTOM");
  EXPECT_EQ(json["login_url"], "https://n.my.salesforce.com");
  EXPECT_EQ(json["audiences"], nlohmann::json({"https://a", "https://b"}));
  EXPECT_EQ(json["subjects"], nlohmann::json({"s@x", "t@x"}));
  EXPECT_EQ(json["include_kid"], true);
}

TEST_F(CliTest, ListsAndShowsAsTableAndJson) {
  acme_.set_login_url("https://a.my.salesforce.com");
  signer_.SetConnections({acme_});
  EXPECT_EQ(Keyward({"connection", "list"}).out,
            "NAME  ENVIRONMENT  LOGIN URL                    CONSUMER KEY  FROZEN  SUBJECTS\n"
            "acme  custom       https://a.my.salesforce.com  set           no      "
            "user@acme.example\n");
  const auto json = Json({"--output", "json", "connection", "list"});
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["etag"], "7");
  EXPECT_THAT(
      Keyward({"connection", "show", "acme"}).out,
      AllOf(HasSubstr("CONSUMER KEY      3MVG9.key\n"), HasSubstr("ETAG              7\n")));
  EXPECT_EQ(Json({"connection", "show", "acme", "-o", "json"})["include_kid"], false);
}

TEST_F(CliTest, ShowsWhatIsFrozen) {
  const auto expect = [this](const std::string& text) {
    signer_.SetConnections({acme_});
    EXPECT_THAT(Keyward({"connection", "list"}).out, HasSubstr("  set           " + text + "  "));
    EXPECT_THAT(Keyward({"connection", "show", "acme"}).out,
                HasSubstr("FROZEN            " + text + "\n"));
  };
  expect("no");
  acme_.set_frozen(true);
  expect("yes");
  acme_.set_emergency_freeze(true);
  expect("all");
  acme_.set_frozen(false);
  expect("all");
  EXPECT_EQ(Json({"connection", "show", "acme", "-o", "json"})["emergency_freeze"], true);
}

TEST_F(CliTest, AnEmptyListIsAnEmptyArray) {
  signer_.SetConnections({});
  EXPECT_EQ(Keyward({"connection", "list", "--output", "json"}).out, "[]\n");
}

TEST_F(CliTest, UpdateChangesOnlyWhatIsGivenWithTheCurrentEtag) {
  EXPECT_EQ(
      Keyward({"connection", "update", "acme", "--subject", "x@y", "--no-include-kid"}).exit_code,
      0);
  EXPECT_THAT(signer_.update_request().update_mask().paths(),
              ElementsAre("subjects", "include_kid"));
  EXPECT_EQ(signer_.update_request().etag(), "7");
  EXPECT_EQ(
      Keyward({"connection", "update", "acme", "--consumer-key", "", "--etag", "5"}).exit_code, 0);
  EXPECT_THAT(signer_.update_request().update_mask().paths(), ElementsAre("consumer_key"));
  EXPECT_EQ(signer_.update_request().etag(), "5");
}

TEST_F(CliTest, DeletesWithYes) {
  ExpectFailure({"connection", "delete", "acme", "--yes", "--etag", "6"}, "(ETAG_MISMATCH)");
  EXPECT_EQ(Keyward({"connection", "delete", "acme", "--yes"}).out,
            "deleted acme, 2 key(s) destroyed\n");
  ExpectFailure({"connection", "delete", "acme", "--yes"}, "(CONNECTION_NOT_FOUND)");
}

TEST_F(CliTest, DownloadsTheCertificate) {
  const std::string pem = ReadFile(files_.certificate).value();
  ASSERT_EQ(testing::Run({"openssl", "x509", "-in", files_.certificate, "-outform", "DER", "-out",
                          pki_.File("server.der")})
                .exit_code,
            0);
  v1::Certificate certificate;
  certificate.set_der(ReadFile(pki_.File("server.der")).value());
  certificate.set_key_version(4);
  signer_.SetCertificate(certificate);

  Finished finished = Keyward({"certificate", "download", "acme", "--version", "4"});
  EXPECT_EQ(finished.out, pem);
  const Finished openssl = testing::Run({"sh", "-c", "sha256sum < " + pki_.File("server.der")});
  EXPECT_THAT(finished.err,
              AllOf(HasSubstr("key version 4"), HasSubstr(openssl.out.substr(0, 64))));
  EXPECT_EQ(signer_.certificate_request().key_version(), 4U);

  finished = Keyward({"certificate", "download", "acme", "--der"});
  EXPECT_EQ(finished.out, certificate.der());
  EXPECT_FALSE(signer_.certificate_request().has_key_version());

  const std::string out = pki_.File("acme.crt");
  finished = Keyward({"certificate", "download", "acme", "--out", out});
  EXPECT_EQ(finished.out, "");
  EXPECT_EQ(ReadFile(out).value(), pem);
  struct stat status {};
  ASSERT_EQ(stat(out.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0644U);

  const auto json = Json({"certificate", "download", "acme", "--output", "json"});
  EXPECT_EQ(json["pem"], pem);
  EXPECT_EQ(json["sha256_fingerprint"], openssl.out.substr(0, 64));
  ExpectFailure({"certificate", "download", "acme", "--out", "/nowhere/acme.crt"},
                "/nowhere/acme.crt");
}

TEST_F(CliTest, WhatIsNoCertificateIsNotWritten) {
  v1::Certificate certificate;
  certificate.set_der("nonsense");
  signer_.SetCertificate(certificate);
  ExpectFailure({"certificate", "download", "acme"}, "(CERTIFICATE_MALFORMED)");
}

TEST_F(CliTest, ListsKeysWithHexadecimalFingerprints) {
  v1::KeyVersion version;
  version.set_connection("acme");
  version.set_number(1);
  version.set_state(v1::KeyVersion::ACTIVE);
  version.set_algorithm("RS256");
  version.set_key_bits(2048);
  version.set_kid("kid\x1b[2J");
  version.mutable_create_time()->set_seconds(1700000000);
  version.set_certificate_sha256_fingerprint("\x01\xab");
  signer_.SetKeyVersions({version});
  EXPECT_THAT(Keyward({"key", "list", "acme"}).out,
              AllOf(HasSubstr("1        ACTIVE  RS256      2048  2023-11-14T22:13:20Z"),
                    HasSubstr("kid?[2J"), Not(HasSubstr("\x1b"))));
  const auto json = Json({"key", "list", "acme", "--output", "json"});
  EXPECT_EQ(json[0]["certificate_sha256_fingerprint"], "01ab");
  EXPECT_EQ(json[0]["state"], "ACTIVE");
}

TEST_F(CliTest, NothingFromElsewherePlaysWithTheTerminal) {
  v1::Connection connection;
  connection.set_name("acme");
  // CSI as one character, and an override of the direction.
  connection.set_login_url("\u009B2J\u202Eevil");
  connection.add_subjects("j\u00F6rg");
  v1::Connection other = connection;
  other.set_name("other");
  other.set_login_url("https://a");
  signer_.SetConnections({connection, other});
  const std::string table = Keyward({"connection", "list"}).out;
  EXPECT_THAT(table, AllOf(HasSubstr("  ?2J?evil   "), HasSubstr("j\u00F6rg")));
  const std::vector<std::string> lines = absl::StrSplit(table, '\n');
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1].find("j\u00F6rg"), lines[2].find("j\u00F6rg")) << table;
  const std::string json = Keyward({"connection", "list", "--output", "json"}).out;
  EXPECT_THAT(json, AllOf(HasSubstr(R"(\u009b2J\u202eevil)"), HasSubstr("j\u00F6rg"),
                          Not(HasSubstr("\u009B")), Not(HasSubstr("\u202E"))));
  EXPECT_EQ(nlohmann::json::parse(json)[0]["login_url"], connection.login_url());
}

// A version of acme whose certificate ends so long from now; an hour more, so that the
// days do not change while the test runs.
v1::KeyVersion EndingIn(uint32_t number, v1::KeyVersion::State state, int days) {
  v1::KeyVersion version;
  version.set_connection("acme");
  version.set_number(number);
  version.set_state(state);
  version.mutable_certificate_not_after()->set_seconds(
      absl::ToUnixSeconds(absl::Now() + absl::Hours(24 * days + 1)));
  return version;
}

TEST_F(CliTest, ListsKeysWithWarningsOfCertificatesThatEnd) {
  signer_.SetKeyVersions(
      {EndingIn(1, v1::KeyVersion::DESTROYED, -9), EndingIn(2, v1::KeyVersion::DISABLED, 5),
       EndingIn(3, v1::KeyVersion::RETIRING, -2), EndingIn(4, v1::KeyVersion::ACTIVE, 12),
       EndingIn(5, v1::KeyVersion::PENDING, 31)});
  const Finished table = Keyward({"key", "list", "acme"});
  EXPECT_EQ(table.exit_code, 0);
  const std::vector<std::string> lines = absl::StrSplit(table.out, '\n');
  ASSERT_EQ(lines.size(), 7U) << table.out;
  EXPECT_THAT(lines[0], HasSubstr("  CERTIFICATE UNTIL     CERTIFICATE "));
  EXPECT_THAT(lines[2], AllOf(HasSubstr("DISABLED"), HasSubstr("Z  expires in 5 days")));
  EXPECT_THAT(lines[3], AllOf(HasSubstr("RETIRING"), HasSubstr("Z  EXPIRED")));
  EXPECT_THAT(lines[4], AllOf(HasSubstr("ACTIVE"), HasSubstr("Z  expires in 12 days")));
  EXPECT_THAT(lines[5], AllOf(HasSubstr("PENDING"), HasSubstr("Z  ok")));
  const std::string warnings =
      "keyward: warning: the certificate of acme version 3 has expired; "
      "keyward certificate renew acme --version 3, or ask its CA for another\n"
      "keyward: warning: the certificate of acme version 4 expires in 12 days; "
      "keyward certificate renew acme --version 4, or ask its CA for another\n";
  EXPECT_EQ(table.err, warnings);

  const Finished listed = Keyward({"key", "list", "acme", "--output", "json"});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_EQ(listed.err, warnings);
  std::vector<std::string> statuses;
  for (const auto& version : nlohmann::json::parse(listed.out)) {
    statuses.push_back(version["certificate_status"]);
  }
  EXPECT_THAT(statuses, ElementsAre("EXPIRED", "EXPIRING", "EXPIRED", "EXPIRING", "OK"));
}

TEST_F(CliTest, AVersionWithoutACertificateHasNoCertificateStatus) {
  v1::KeyVersion version = EndingIn(1, v1::KeyVersion::ACTIVE, 0);
  version.clear_certificate_not_after();
  signer_.SetKeyVersions({version});
  EXPECT_EQ(Keyward({"key", "list", "acme"}).err, "");
  EXPECT_FALSE(Json({"key", "list", "acme", "-o", "json"})[0].contains("certificate_status"));
}

}  // namespace
}  // namespace keyward::client
