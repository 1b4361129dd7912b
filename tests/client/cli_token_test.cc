// keyward sign and token, and what goes wrong on the way.
#include "tests/client/cli_fixture.h"

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
