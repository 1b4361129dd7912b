// keyward test, the command: what people and scripts see of it.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/client/scripted_exchange.h"
#include "tests/client/test_connection/run_fixture.h"

namespace keyward::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CommandTest : public RunFixture {
 protected:
  testing::Finished KeywardTest(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--https-ca", standin_->ca_file(), "--https-proxy", "none"});
    return Run(more);
  }

  // Without the flags about login hosts.
  testing::Finished Run(std::vector<std::string> more) {
    more.insert(more.begin(), {"test", "acme"});
    testing::Finished finished = signer_.Keyward(more);
    ExpectNoSecret(finished.out + finished.err);
    return finished;
  }
};

TEST_F(CommandTest, PrintsEachStepAndThatItIsVerified) {
  const testing::Finished finished = KeywardTest();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.err, "");
  EXPECT_THAT(finished.out, StartsWith("passed   settings "));
  EXPECT_THAT(finished.out, ::testing::EndsWith("\n\nConnection verified.\n"));
  EXPECT_THAT(finished.out, ::testing::ContainsRegex("passed   scopes .*\\([0-9]+ ms\\)\n"));
  // No terminal: neither colours nor signs.
  EXPECT_THAT(finished.out, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("✓"))));
}

TEST_F(CommandTest, PrintsTheDiagnosisAndFails) {
  ChangeApp({{"users", nlohmann::json::array()}, {"admin_approved", true}});
  const testing::Finished finished = KeywardTest();
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(
      finished.out,
      AllOf(HasSubstr("FAILED   login "), HasSubstr("skipped  API call "),
            HasSubstr("\n\nNo permission set or profile of the user is let in by the app.\n"),
            HasSubstr("\n\nWhat to do:\n  1. "), HasSubstr("\n  2. "),
            HasSubstr("\nWaiting may help: test again in 2 minutes.\n")));
  EXPECT_THAT(finished.err, AllOf(StartsWith("keyward: acme does not work: "),
                                  HasSubstr("(USER_NOT_IN_POLICY)")));
}

TEST_F(CommandTest, AWarningBesideAVerifiedConnectionIsNoFailure) {
  ChangeApp({{"scopes", {"api"}}});
  const testing::Finished finished = KeywardTest();
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_THAT(finished.out, AllOf(HasSubstr("warning  scopes "), HasSubstr("Connection verified."),
                                  HasSubstr("But: The app lacks OAuth scopes.")));
}

TEST_F(CommandTest, PrintsJson) {
  testing::Finished finished = KeywardTest({"--output", "json"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  auto report = nlohmann::json::parse(finished.out);
  EXPECT_EQ(report["verified"], true);
  EXPECT_EQ(report["summary"], "Connection verified.");
  EXPECT_EQ(report["steps"].size(), 10U);
  EXPECT_EQ(report["steps"][7]["kind"], "EXCHANGE");
  EXPECT_EQ(report["steps"][7]["result"], "PASSED");
  EXPECT_FALSE(report.contains("diagnosis"));
  standin_->Refuse("inactive-user", 0);
  finished = KeywardTest({"--output", "json", "--key-version", "1", "--subject", kUser});
  EXPECT_EQ(finished.exit_code, 1);
  report = nlohmann::json::parse(finished.out);
  EXPECT_EQ(report["verified"], false);
  EXPECT_EQ(report["diagnosis"]["reason"], "USER_INACTIVE");
  EXPECT_EQ(report["diagnosis"]["waiting_helps"], false);
}

TEST_F(CommandTest, AsATerminalItHasSignsAndColours) {
  // script(1) runs it on a terminal of its own.
  const std::string command = absl::StrCat(
      testing::Binary("keyward"), " test acme --https-proxy none --signer ", signer_.address(),
      " --ca ", signer_.File("pki/ca.pem"), " --certificate ", signer_.File("pki/operator.pem"),
      " --private-key ", signer_.File("pki/operator.key"), " --https-ca ", standin_->ca_file(),
      " --private-login-hosts 127.0.0.1");
  const std::vector<std::string> argv = {"script", "-q", "-e", "-c", command, "/dev/null"};
  testing::Finished finished =
      testing::Run(argv, {{"KEYWARD_CONFIG", ""}, {"TERM", "xterm"}, {"NO_COLOR", ""}});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_THAT(finished.out, AllOf(HasSubstr("\x1b[32m✓\x1b[0m  settings"),
                                  HasSubstr("\x1b[32m✓\x1b[0m  Connection verified.")));
  finished = testing::Run(argv, {{"KEYWARD_CONFIG", ""}, {"TERM", "xterm"}, {"NO_COLOR", "1"}});
  EXPECT_THAT(finished.out, AllOf(HasSubstr("✓  settings"), Not(HasSubstr("\x1b"))));
}

TEST_F(CommandTest, AsksKeywardExchangeWhereThatIsSet) {
  testing::ScriptedExchange exchange(signer_.File("exchange.sock"));
  v1::TestConnectionResponse report = Test();
  report.set_summary("Scripted.");
  exchange.SetResponse(report);
  const int64_t logins = standin_->Count(testing::kTokenEndpoint);
  const testing::Finished finished =
      Run({"--exchange", exchange.address(), "--subject", kUser, "--version", "3"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out,
              AllOf(StartsWith("passed   settings "), ::testing::EndsWith("\n\nScripted.\n")));
  EXPECT_EQ(exchange.test_request().connection(), "acme");
  EXPECT_EQ(exchange.test_request().subject(), kUser);
  EXPECT_EQ(exchange.test_request().key_version(), 3U);
  EXPECT_EQ(standin_->Count(testing::kTokenEndpoint), logins);
}

TEST_F(CommandTest, WhatIsNoReportIsOneLine) {
  testing::Finished finished = signer_.Keyward({"test", "nobody"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err, HasSubstr("(CONNECTION_NOT_FOUND)"));
  EXPECT_EQ(signer_.Keyward({"test"}).exit_code, 2);
  EXPECT_EQ(KeywardTest({"--version", "0"}).exit_code, 2);
  finished = Run({"--exchange", "unix:/nonexistent/keyward.sock"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("(EXCHANGE_UNREACHABLE)"));
}

}  // namespace
}  // namespace keyward::client
