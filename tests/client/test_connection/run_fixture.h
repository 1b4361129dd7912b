// Test Connection against a real signer and the stand-in.
#ifndef KEYWARD_TESTS_CLIENT_TEST_CONNECTION_RUN_FIXTURE_H_
#define KEYWARD_TESTS_CLIENT_TEST_CONNECTION_RUN_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/https/https_client.h"
#include "client/signer_client.h"
#include "client/test_connection/test_connection.h"
#include "tests/standin/testing/standin_process.h"
#include "tests/testing/signer_process.h"

namespace keyward::client {

inline constexpr char kUser[] = "ops@acme.example";
inline constexpr char kProduction[] = "https://login.salesforce.com";

// The connection "acme" at the stand-in, whose app has its certificate and lets kUser
// in. Its audiences are kProduction and the stand-in's own address.
class RunFixture : public ::testing::Test {
 protected:
  explicit RunFixture(const std::vector<std::string>& standin_flags = {});

  // Replaces the fields of acme that `change` sets.
  void Update(const std::vector<std::string>& fields,
              const std::function<void(v1::Connection&)>& change);
  // As the app's administrator does.
  void ChangeApp(const nlohmann::json& fields) const;
  // What the signer has as acme's certificate.
  std::string CertificateDer() const;

  static std::unique_ptr<HttpsClient> NewHttps(const std::string& ca_file,
                                               const std::vector<std::string>& private_hosts);

  // A test of acme, of which every report must be sound.
  v1::TestConnectionResponse Test();
  // One that must not be verified, for this reason, failing at `kind`.
  v1::TestConnectionResponse ExpectDiagnosis(const std::string& reason, v1::TestStep::Kind kind);

  testing::SignerProcess signer_;
  std::unique_ptr<testing::StandinProcess> standin_;
  std::unique_ptr<SignerClient> client_;
  std::unique_ptr<HttpsClient> https_;
  std::string consumer_key_;
  TestConnectionCall call_;
  // Of the parts of every Test().
  std::function<absl::Time()> now_ = [] { return absl::Now(); };
  std::function<absl::Status(const std::string&, const std::string&)> take_login_;
  std::function<void(const std::string&, const std::string&)> return_login_;
};

// "CLOCK WARNING", "EXCHANGE FAILED INVALID_AUDIENCE", …
std::vector<std::string> Steps(const v1::TestConnectionResponse& report);

// Neither `text` nor anything in it is an assertion, a part of one, or an access token.
void ExpectNoSecret(const std::string& text);

}  // namespace keyward::client

#endif  // KEYWARD_TESTS_CLIENT_TEST_CONNECTION_RUN_FIXTURE_H_
