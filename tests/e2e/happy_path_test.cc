// A connection's whole life with the command, a real signer and a stand-in for
// Salesforce; and that no secret is left anywhere.
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/file.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class HappyPathTest : public SignerTest {
 protected:
  HappyPathTest() {
    standin_ = testing::Daemon::Start(
        {testing::Binary("salesforce-standin"), "--certificate", signer_.File("pki/standin.pem"),
         "--private-key", signer_.File("pki/standin.key"), "--port", "0", "--admin-port", "0"});
    if (!standin_->WaitForOutput("\n")) ADD_FAILURE() << standin_->Output();
    int port = 0;
    int admin_port = 0;
    // NOLINTNEXTLINE(cert-err34-c): a program of ours prints them.
    if (sscanf(standin_->Output().c_str(), "ready port=%d admin-port=%d", &port, &admin_port) !=
        2) {
      ADD_FAILURE() << standin_->Output();
    }
    salesforce_ = absl::StrCat("https://localhost:", port);
    admin_ = absl::StrCat("http://127.0.0.1:", admin_port);
    Start();
  }

  // What `keyward ARGUMENTS` prints; a failure of the test where it fails.
  std::string Keyward(const std::vector<std::string>& arguments) {
    const testing::Finished finished = signer_.Keyward(arguments);
    EXPECT_EQ(finished.exit_code, 0) << arguments[0] << " " << arguments[1] << finished.err;
    outputs_ += finished.err;
    return finished.out;
  }

  // curl, which verifies the stand-in's certificate; `config` goes to it by its
  // standard input.
  std::string Http(const std::vector<std::string>& arguments, const std::string& config = "") {
    std::vector<std::string> argv = {"curl",      "--silent", "--show-error",
                                     "--noproxy", "*",        "--max-time",
                                     "60",        "--cacert", signer_.File("pki/ca.pem"),
                                     "--config",  "-"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const testing::Finished finished = testing::Run(argv, {}, config);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return finished.out;
  }

  // Makes the connection, has its certificate registered as a Salesforce admin
  // would, and saves the consumer key.
  void SetUpConnection() {
    Keyward({"connection", "create", "acme", "--environment", "custom", "--login-url", salesforce_,
             "--subject", kSubject});
    Keyward({"certificate", "download", "acme", "--out", signer_.File("acme.pem")});
    const json app = json::parse(Http({"--fail-with-body", "--json",
                                       absl::StrCat(R"({"name":"acme","users":[")", kSubject,
                                                    R"("],"scopes":["api","refresh_token"]})"),
                                       admin_ + "/apps"}),
                                 nullptr, false);
    ASSERT_TRUE(app.is_object());
    const std::string key = app.value("consumer_key", "");
    Http({"--fail-with-body", "--upload-file", signer_.File("acme.pem"),
          absl::StrCat(admin_, "/apps/", key, "/certificate")});
    Keyward({"connection", "update", "acme", "--consumer-key", key});
  }

  std::string AccessToken() {
    const json token = json::parse(Keyward({"token", "acme", "--json"}), nullptr, false);
    return token.is_object() ? token.value("access_token", "") : "";
  }

  std::string ListKeys() const {
    const testing::Finished listed = testing::Run(
        {"pkcs11-tool", "--module", testing::kSoftHsmModule, "--token-label", testing::kSignerToken,
         "--login", "--pin", testing::kUserPin, "--list-objects"});
    EXPECT_EQ(listed.exit_code, 0) << listed.err;
    return listed.out;
  }

  // Verifies as anyone could, with the openssl command and the downloaded file.
  testing::Finished VerifyWithOpenssl(const std::string& jws) const {
    const std::vector<std::string> parts = absl::StrSplit(jws, '.');
    std::string signature;
    EXPECT_TRUE(parts.size() == 3 && absl::WebSafeBase64Unescape(parts[2], &signature)) << jws;
    signer_.Write("signature", signature);
    signer_.Write("signed", parts[0] + "." + parts[1]);
    const testing::Finished key =
        testing::Run({"openssl", "x509", "-in", signer_.File("acme.pem"), "-noout", "-pubkey"});
    signer_.Write("acme.pub", key.out);
    return testing::Run({"openssl", "dgst", "-sha256", "-verify", signer_.File("acme.pub"),
                         "-signature", signer_.File("signature"), signer_.File("signed")});
  }

  // Everything that the daemons and the command have left behind.
  std::string Traces() {
    std::string traces = signer_.daemon().Output() + standin_->Output() + outputs_;
    for (const char* name : {"audit.jsonl", "registry.db", "registry.db-wal"}) {
      traces += ReadFile(signer_.File(name), size_t{64} << 20).value_or("");
    }
    return traces;
  }

  std::unique_ptr<testing::Daemon> standin_;
  std::string salesforce_;
  std::string admin_;
  std::string outputs_;
};

TEST_F(HappyPathTest, FromAKeyPairToARestCall) {
  SetUpConnection();
  const std::string token = AccessToken();
  ASSERT_NE(token, "");
  const std::string query = salesforce_ + "/services/data/v62.0/query?q=SELECT+Id+FROM+User";
  EXPECT_EQ(Http({"--output", signer_.File("unused"), "--write-out", "%{http_code}", query}),
            "401");
  const std::string header = absl::StrCat("header = \"Authorization: Bearer ", token, "\"\n");
  EXPECT_THAT(Http({"--fail-with-body", query}, header), HasSubstr("records"));

  const std::string jws(absl::StripAsciiWhitespace(Keyward({"sign", "acme"})));
  const testing::Finished verified = VerifyWithOpenssl(jws);
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  // So that the check above is one: another text does not verify.
  EXPECT_NE(VerifyWithOpenssl("e" + jws).exit_code, 0);

  Stop();
  const std::string traces = Traces();
  const std::vector<std::string> parts = absl::StrSplit(jws, '.');
  for (const std::string& secret : {std::string(testing::kUserPin), std::string(testing::kSoPin),
                                    token, parts.at(2), parts.at(1)}) {
    EXPECT_FALSE(absl::StrContains(traces, secret));
  }
  EXPECT_THAT(traces, HasSubstr("acme"));
  EXPECT_THAT(traces, Not(HasSubstr("PRIVATE KEY")));
}

TEST_F(HappyPathTest, ADeletedConnectionLeavesNoKeyAndItsNumbersAreNotUsedAgain) {
  SetUpConnection();
  EXPECT_THAT(ListKeys(), HasSubstr("keyward/acme/1"));
  EXPECT_EQ(signer_.Keyward({"connection", "delete", "acme"}).exit_code, 2);
  EXPECT_THAT(ListKeys(), HasSubstr("keyward/acme/1"));
  Keyward({"connection", "delete", "acme", "--yes"});
  EXPECT_THAT(ListKeys(), Not(HasSubstr("keyward/acme")));
  EXPECT_EQ(CodeAndReason(Sign()), "NOT_FOUND CONNECTION_NOT_FOUND");

  SetUpConnection();
  EXPECT_THAT(ListKeys(), HasSubstr("keyward/acme/2"));
  EXPECT_THAT(ListKeys(), Not(HasSubstr("keyward/acme/1")));
  EXPECT_NE(AccessToken(), "");
  const auto assertion = Client()->ListKeyVersions("acme");
  ASSERT_TRUE(assertion.ok()) << assertion.status();
  ASSERT_EQ(assertion->size(), 1U);
  EXPECT_EQ(assertion->front().number(), 2U);

  // All of it is there again after a restart.
  Stop();
  Start();
  EXPECT_NE(AccessToken(), "");
}

TEST_F(HappyPathTest, HealthAndReflectionAnswer) {
  const auto channel = Connect(signer_);
  for (const char* service :
       {"", "keyward.v1.Signer", "keyward.v1.Connections", "keyward.v1.KeyVersions"}) {
    EXPECT_TRUE(Eventually([&] { return Health(channel, service) == "SERVING"; })) << service;
  }
  EXPECT_EQ(Health(channel, "keyward.v1.Nothing"),
            absl::StrCat("error ", static_cast<int>(grpc::StatusCode::NOT_FOUND)));
  // Field 7 of ServerReflectionRequest, list_services.
  const RawAnswer services = CallStreaming(
      channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "\x3a\x01*");
  for (const char* service :
       {"keyward.v1.Signer", "keyward.v1.Connections", "keyward.v1.KeyVersions"}) {
    EXPECT_THAT(services.bytes, HasSubstr(service));
  }
}

}  // namespace
}  // namespace keyward::e2e
