// keyward sign and token, and what goes wrong on the way.
#include <thread>

#include "tests/client/cli_fixture.h"
#include "tests/client/scripted_exchange.h"

namespace keyward::client {
namespace {

using ::keyward::testing::Finished;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kJws[] = "aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl";

class CliTokenTest : public CliFixture {};

TEST_F(CliTokenTest, SignsTheConnectionsClaims) {
  const Finished finished = Keyward({"sign", "acme", "--lifetime", "60", "--version", "3"});
  EXPECT_EQ(finished.out, std::string(kJws) + "\n") << finished.err;
  EXPECT_EQ(signer_.sign_request().key_version(), 3U);
  const auto claims = nlohmann::json::parse(signer_.sign_request().claims_json());
  EXPECT_EQ(claims["iss"], "3MVG9.key");
  EXPECT_EQ(claims["sub"], "user@acme.example");
  EXPECT_EQ(claims["aud"], "https://login.salesforce.com");
  EXPECT_EQ(Json({"sign", "acme", "--output", "json"})["jws"], kJws);
  ASSERT_EQ(Keyward({"sign", "acme", "--subject", "o@x", "--audience", "https://a"}).exit_code, 0);
  EXPECT_THAT(signer_.sign_request().claims_json(),
              AllOf(HasSubstr(R"("sub":"o@x")"), HasSubstr(R"("aud":"https://a")")));
}

TEST_F(CliTokenTest, SignsGivenClaimsAsTheyAre) {
  EXPECT_EQ(Keyward({"sign", "acme", "--claims", "-"}, "{ \"x\": 1}\n").out,
            std::string(kJws) + "\n");
  EXPECT_EQ(signer_.sign_request().claims_json(), "{ \"x\": 1}\n");
  ASSERT_TRUE(WriteFile(pki_.File("claims.json"), "{}").ok());
  EXPECT_EQ(Keyward({"sign", "acme", "--claims", pki_.File("claims.json")}).exit_code, 0);
  EXPECT_EQ(signer_.sign_request().claims_json(), "{}");
  EXPECT_EQ(signer_.Calls("GetConnection"), 0);
  ExpectFailure({"sign", "acme", "--claims", pki_.File("none.json")}, "none.json");
}

TEST_F(CliTokenTest, SaysWhatTheConnectionLacks) {
  v1::Connection connection = acme_;
  connection.add_subjects("second@acme.example");
  signer_.SetConnections({connection});
  ExpectFailure({"sign", "acme"}, "user@acme.example, second@acme.example (SUBJECT_AMBIGUOUS)");
  connection.clear_subjects();
  signer_.SetConnections({connection});
  ExpectFailure({"token", "acme"}, "(NO_SUBJECT)");
  connection = acme_;
  connection.clear_consumer_key();
  signer_.SetConnections({connection});
  ExpectFailure({"token", "acme"}, "keyward connection update acme --consumer-key");
  connection = acme_;
  connection.clear_audiences();
  signer_.SetConnections({connection});
  ExpectFailure({"sign", "acme"}, "(NO_AUDIENCE)");
}

TEST_F(CliTokenTest, ExchangesAndPrintsTheToken) {
  Finished finished = Keyward({"token", "acme"});
  EXPECT_EQ(finished.out, "00Dxx!AQ0AQ.token\n") << finished.err;
  EXPECT_EQ(finished.err, "");
  ASSERT_EQ(host_.posted().size(), 1U);
  EXPECT_EQ(host_.posted()[0].form.at("assertion"), kJws);
  EXPECT_EQ(Keyward({"token", "acme", "--header"}).out,
            "Authorization: Bearer 00Dxx!AQ0AQ.token\n");
  const auto json = Json({"token", "acme", "--json"});
  EXPECT_EQ(json["access_token"], "00Dxx!AQ0AQ.token");
  EXPECT_EQ(json["instance_url"], "https://acme.my.salesforce.com");
  EXPECT_EQ(Json({"token", "acme", "--output", "json"}), json);
}

TEST_F(CliTokenTest, ARefusedExchangeNamesTheSettingAndNoSecret) {
  host_.AnswerWith({.status = 400,
                    .body = std::string(R"({"error":"invalid_grant","error_description":)") +
                            R"("invalid assertion )" + kJws + R"("})"});
  ExpectFailure({"token", "acme"}, "(INVALID_ASSERTION)");
  EXPECT_THAT(Keyward({"token", "acme"}).err,
              AllOf(HasSubstr("invalid_grant"), HasSubstr("certificate"), Not(HasSubstr(kJws))));
}

TEST_F(CliTokenTest, APassingFaultOfSalesforcesIsTriedAgain) {
  host_.AnswerWith({.status = 503, .body = "busy"});
  std::thread salesforce([this] {
    while (host_.posted().empty()) std::this_thread::yield();
    host_.AnswerWith(testing::Granted());
  });
  const Finished finished = Keyward({"token", "acme"});
  salesforce.join();
  EXPECT_EQ(finished.out, "00Dxx!AQ0AQ.token\n") << finished.err;
  EXPECT_GE(host_.posted().size(), 2U);
  EXPECT_EQ(signer_.Calls("Sign"), 1);
}

TEST_F(CliTokenTest, NothingIsSignedForAHostThatIsNotAllowed) {
  ExpectFailure({"token", "acme", "--private-login-hosts", "other.example"},
                "--private-login-hosts localhost");
  EXPECT_THAT(Keyward({"token", "acme", "--private-login-hosts", "other.example"}).err,
              HasSubstr("(LOGIN_HOST_NOT_ALLOWED)"));
  EXPECT_EQ(signer_.Calls("Sign"), 0);
  EXPECT_TRUE(host_.posted().empty());
  // In that list a port other than 443 is none, and the other list does not allow it.
  ExpectFailure(
      {"token", "acme", "--private-login-hosts", "other.example", "--login-hosts", "localhost"},
      "--private-login-hosts localhost");
  ExpectFailure({"token", "acme", "--login-hosts", "https://x"}, "(OPTIONS_INVALID)");
}

TEST_F(CliTokenTest, TheProxyOfTheSettingsIsTheOneThatCounts) {
  ExpectFailure({"token", "acme", "--https-proxy", "ftp://user:hush@proxy"}, "(OPTIONS_INVALID)");
  EXPECT_THAT(Keyward({"token", "acme", "--https-proxy", "ftp://user:hush@proxy"}).err,
              Not(HasSubstr("hush")));
  const testing::Environment environment = {{"KEYWARD_CONFIG", pki_.File("config.yaml")},
                                            {"https_proxy", "ftp://proxy"},
                                            {"no_proxy", ""}};
  EXPECT_EQ(testing::Run({KEYWARD_BINARY, "token", "acme"}, environment).exit_code, 1);
  const Finished direct =
      testing::Run({KEYWARD_BINARY, "token", "acme", "--https-proxy", "none"}, environment);
  EXPECT_EQ(direct.exit_code, 0) << direct.err;
}

TEST_F(CliTokenTest, AsksTheExchangeWhereThereIsOne) {
  testing::ScriptedExchange service(pki_.File("exchange.sock"));
  v1::ExchangeResponse response;
  response.set_access_token("00Dxx!CACHED");
  response.set_instance_url("https://acme.my.salesforce.com");
  service.SetResponse(response);
  ASSERT_TRUE(WriteFile(pki_.File("exchange.yaml"), "exchange: " + service.address() + "\n").ok());
  // No signer, no certificate.
  const Finished finished =
      Keyward({"token", "acme", "--config", pki_.File("exchange.yaml"), "--subject", "o@x"});
  EXPECT_EQ(finished.out, "00Dxx!CACHED\n") << finished.err;
  EXPECT_EQ(service.exchange_request().connection(), "acme");
  EXPECT_EQ(service.exchange_request().subject(), "o@x");
  EXPECT_EQ(Json({"token", "acme", "--json", "--exchange", service.address()})["instance_url"],
            "https://acme.my.salesforce.com");
  EXPECT_EQ(signer_.Calls("Sign"), 0);
  EXPECT_TRUE(host_.posted().empty());

  service.FailNext(
      testing::RichStatus(grpc::PERMISSION_DENIED, "USER_NOT_APPROVED", "Salesforce said 'no'"));
  ExpectFailure({"token", "acme", "--exchange", service.address()}, "(USER_NOT_APPROVED)");
  ExpectFailure({"token", "acme", "--exchange", "unix:" + pki_.File("none.sock")},
                "(EXCHANGE_UNREACHABLE)");
  // The signer's verbs need the signer.
  ExpectFailure({"sign", "acme", "--config", pki_.File("exchange.yaml")}, "(SETTINGS_MISSING)");
}

TEST_F(CliTokenTest, FlagsThatTheExchangeWouldNotSeeAreRefused) {
  for (const std::string verb : {"token", "test"}) {
    for (const std::string flag :
         {"--https-proxy", "--https-ca", "--login-hosts", "--private-login-hosts"}) {
      const Finished finished =
          Keyward({verb, "acme", "--exchange", "unix:/nowhere/exchange.sock", flag, "x"});
      EXPECT_EQ(finished.exit_code, 2);
      EXPECT_THAT(finished.err,
                  HasSubstr("keyward: " + flag +
                            " has no effect with --exchange: keyward-exchange has settings of "
                            "its own\n"));
    }
  }
  ExpectFailure({"token", "acme", "--exchange", "/nowhere/exchange.sock"},
                "write unix:/nowhere/exchange.sock");
}

TEST_F(CliTokenTest, AsksTheExchangeWithTheSameCertificate) {
  testing::ScriptedExchange service(files_, pki_.ca());
  v1::ExchangeResponse response;
  response.set_access_token("00Dxx!CACHED");
  service.SetResponse(response);
  EXPECT_EQ(Keyward({"token", "acme", "--exchange", service.address()}).out, "00Dxx!CACHED\n");
}

TEST_F(CliTokenTest, NoSignerIsOneLineAndExitCode1) {
  ExpectFailure(
      {"connection", "list", "--signer", "127.0.0.1:" + std::to_string(testing::FreePort())},
      "(SIGNER_UNREACHABLE)");
  ExpectFailure({"connection", "list", "--signer", "nonsense"}, "(OPTIONS_INVALID)");
  ExpectFailure({"connection", "list", "--config", pki_.File("none.yaml")}, "none.yaml");
  ExpectFailure({"connection", "list", "--ca", pki_.MakeCa("other")}, "(SIGNER_UNREACHABLE)");
}

TEST_F(CliTokenTest, OutputThatCannotBeWrittenIsAFailure) {
  const Finished finished =
      testing::Run({"sh", "-c", std::string("\"") + KEYWARD_BINARY + "\" token acme >/dev/full"},
                   {{"KEYWARD_CONFIG", pki_.File("config.yaml")}, {"no_proxy", "*"}});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("standard output"));
}

TEST_F(CliTokenTest, ANameThatIsNotUtf8IsRefusedInOneLine) {
  ExpectFailure({"connection", "show", "\xff\xfe"}, "keyward: ");
}

}  // namespace
}  // namespace keyward::client
