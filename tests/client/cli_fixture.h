// The real command with a scripted signer and login host to talk to.
#ifndef KEYWARD_TESTS_CLIENT_CLI_FIXTURE_H_
#define KEYWARD_TESTS_CLIENT_CLI_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/file.h"
#include "tests/client/login_host.h"
#include "tests/client/scripted_signer.h"
#include "tests/client/test_pki.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {

class CliFixture : public ::testing::Test {
 protected:
  CliFixture()
      : files_(pki_.Issue("server", "DNS:localhost,IP:127.0.0.1")),
        client_(pki_.Issue("operator", "URI:spiffe://keyward.example/operator")),
        signer_(files_, pki_.ca()),
        host_(files_) {
    host_.AnswerWith(testing::Granted());
    acme_.set_name("acme");
    acme_.set_consumer_key("3MVG9.key");
    acme_.set_environment(v1::CUSTOM);
    acme_.set_login_url(host_.Url());
    acme_.add_audiences("https://login.salesforce.com");
    acme_.add_audiences("https://acme.my.salesforce.com");
    acme_.add_subjects("user@acme.example");
    acme_.set_etag("7");
    signer_.SetConnections({acme_});
    EXPECT_TRUE(WriteFile(pki_.File("config.yaml"),
                          "signer: " + signer_.address() +
                              "\nca: ca.pem\ncertificate: operator.pem\nprivate_key: operator.key\n"
                              "https_ca: ca.pem\nprivate_login_hosts: [localhost, 127.0.0.1]\n")
                    .ok());
  }

  testing::Finished Keyward(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), KEYWARD_BINARY);
    return testing::Run(arguments,
                        {{"KEYWARD_CONFIG", pki_.File("config.yaml")}, {"no_proxy", "*"}}, input);
  }

  nlohmann::json Json(const std::vector<std::string>& arguments) {
    const testing::Finished finished = Keyward(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return nlohmann::json::parse(finished.out, nullptr, false);
  }

  // Refused with exit code 1 and one line that names `what`.
  void ExpectFailure(const std::vector<std::string>& arguments, const std::string& what) {
    const testing::Finished finished = Keyward(arguments);
    EXPECT_EQ(finished.exit_code, 1) << finished.out << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_THAT(finished.err,
                ::testing::AllOf(::testing::StartsWith("keyward: "), ::testing::HasSubstr(what)));
    EXPECT_THAT(std::vector<std::string>(absl::StrSplit(finished.err, '\n')), ::testing::SizeIs(2));
  }

  const testing::TestPki pki_;
  const testing::CertificateFiles files_;
  const testing::CertificateFiles client_;
  testing::ScriptedSigner signer_;
  testing::LoginHost host_;
  v1::Connection acme_;
};

}  // namespace keyward::client

#endif  // KEYWARD_TESTS_CLIENT_CLI_FIXTURE_H_
