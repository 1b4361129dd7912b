// One test of one connection, step by step. Internal to Test Connection.
#ifndef KEYWARD_CLIENT_TEST_CONNECTION_TEST_RUN_H_
#define KEYWARD_CLIENT_TEST_CONNECTION_TEST_RUN_H_

#include <keyward/v1/connections.pb.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/signer_client.h"
#include "client/test_connection/diagnosis.h"
#include "client/test_connection/report.h"
#include "client/test_connection/test_connection.h"
#include "client/token_exchange.h"

namespace keyward::client {

// Each step returns whether to go on; after one that did not, failure_ says why.
class TestRun {
 public:
  TestRun(const TestConnectionParts& parts, const TestConnectionCall& call,
          v1::Connection connection)
      : parts_(parts), call_(call), connection_(std::move(connection)), report_(call.on_step) {}

  // To be called once.
  v1::TestConnectionResponse Run();

 private:
  bool Settings();
  bool Key();
  bool Certificate();
  // LOGIN_HOST, TLS and CLOCK: all three from one request.
  bool Reach();
  // SIGN and EXCHANGE for one audience after the other.
  bool LogIn();
  // API_CALL and SCOPES, the latter also after a call that failed: it may be why.
  void UseToken();

  // The first FAILED step is the failure, unless a later one replaces it.
  bool Add(v1::TestStep::Kind kind, const Finding& finding, absl::Duration took);
  // For whom the signer is asked, and until when.
  CallOptions SignerCall() const;
  // An error of the signer's as the report tells it.
  absl::Status Told(const absl::Status& signer_error) const;
  absl::Status TakeLogin();
  void ReturnLogin();
  absl::StatusOr<Assertion> Sign(const std::string& audience);
  // Whether Salesforce granted a token; where not, whether the next audience may help.
  absl::Status Exchange(const Assertion& assertion, const std::string& audience);
  Finding Granted(const std::string& audience);
  absl::StatusOr<HttpsAnswer> CallApi();
  // What Salesforce's refusals come down to.
  void ChooseFailure(const std::vector<absl::Status>& refusals);
  void Conclude();

  const TestConnectionParts& parts_;
  const TestConnectionCall& call_;
  const v1::Connection connection_;
  Report report_;
  DiagnosisContext context_;
  std::optional<uint32_t> key_version_;
  v1::KeyVersion version_;
  // What is wrong with the certificate, where that need not matter.
  absl::Status certificate_problem_;
  std::optional<AccessToken> granted_;
  absl::Status failure_;
};

}  // namespace keyward::client

#endif  // KEYWARD_CLIENT_TEST_CONNECTION_TEST_RUN_H_
