// Starts with settings that hold mistakes, and --check-config.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/file.h"
#include "tests/e2e/failed_start.h"

namespace keyward::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class StartSettingsTest : public FailedStartTest {
 protected:
  testing::Finished CheckConfig() const {
    return signer_.RunToEnd({"--check-config"}, environment());
  }
};

TEST_F(StartSettingsTest, EveryMistakeIsNamedAtOnce) {
  signer_.Write("signer.yaml", absl::StrCat(R"(listen: 127.0.0.1:70000
tls:
  certificate: pki/signer.pem
  private_key: pki/signer.key
  client_ca: pki/ca.pem
  ciphers: all
token:
  module: )",
                                            KEYWARD_FAULTY_MODULE, R"(
  uri: "pkcs11:token=keyward-e2e?pin-value=)",
                                            testing::kUserPin, R"("
  pin:
    file: pin
    environment: KEYWARD_PIN
  sessions: many
registry:
  sqlite: registry.db
audit: {}
policy: policy.yaml
limits:
  queue: 0
)"));
  const std::vector<std::string> paths = {"listen",      "tls.ciphers",    "token.uri",
                                          "token.pin",   "token.sessions", "audit.file",
                                          "limits.queue"};
  ExpectFailedStart(paths);
  const testing::Finished checked = CheckConfig();
  EXPECT_EQ(checked.exit_code, 1);
  for (const std::string& path : paths) EXPECT_THAT(checked.err, HasSubstr(path));
  EXPECT_EQ(Calls("C_Login"), 0);
}

TEST_F(StartSettingsTest, SettingsThatAreAbsentOrNoYaml) {
  signer_.Write("signer.yaml", "listen: [\n");
  ExpectFailedStart({signer_.File("signer.yaml")});
  signer_.Write("signer.yaml", "");
  ExpectFailedStart({signer_.File("signer.yaml")});
  ASSERT_EQ(unlink(signer_.File("signer.yaml").c_str()), 0);
  ExpectFailedStart({signer_.File("signer.yaml"), "No such file"});
  EXPECT_EQ(testing::Run({testing::Binary("keyward-signer")}).exit_code, 2);
}

TEST_F(StartSettingsTest, APolicyWithUnknownWords) {
  signer_.Write("policy.yaml", R"(roles:
  - name: backends
    identities: ["spiffe://keyward.example/*/x", "user:someone"]
    connections: ["acme"]
    operations: [sign, export]
    comment: hello
)");
  const std::vector<std::string> mistakes = {"policy.yaml", "roles[0].identities[0]",
                                             "roles[0].identities[1]", "roles[0].operations[1]",
                                             "roles[0].comment"};
  ExpectFailedStart(mistakes);
  // Also by the check: it is there so that a bad policy is seen before a restart.
  const testing::Finished checked = CheckConfig();
  EXPECT_EQ(checked.exit_code, 1) << checked.out;
  for (const std::string& mistake : mistakes) EXPECT_THAT(checked.err, HasSubstr(mistake));
}

TEST_F(StartSettingsTest, CheckConfigOnlyChecks) {
  // A wrong PIN and a token that is not there do not matter: nothing is tried.
  Configure("pkcs11:token=keyward-e2e", "pkcs11:token=elsewhere");
  ASSERT_TRUE(WriteFile(signer_.File("pin"), "000000-wrong\n", 0600).ok());
  const testing::Finished finished = CheckConfig();
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("no mistakes found"));
  EXPECT_THAT(finished.err, Not(HasSubstr("keyward-signer:")));
  EXPECT_EQ(Calls("C_Login"), 0);
  for (const char* made : {"registry.db", "audit.jsonl"}) {
    EXPECT_FALSE(std::filesystem::exists(signer_.File(made))) << made;
  }
}

TEST_F(StartSettingsTest, APortThatIsTaken) {
  Start(environment());
  // The second has everything but the port to itself.
  Configure("listen: 127.0.0.1:0", absl::StrCat("listen: ", signer_.address()));
  Configure("sqlite: registry.db", "sqlite: second.db");
  Configure("file: audit.jsonl", "file: second.jsonl");
  ExpectFailedStart({"listen", signer_.address(), "another process"});
  CreateConnection();
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
  Stop();
}

}  // namespace
}  // namespace keyward::e2e
