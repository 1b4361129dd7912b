// A whole Keyward for a test: the daemon on a token of its own, clients over
// mutual TLS, and the audit log that it leaves.
#ifndef KEYWARD_TESTS_E2E_SIGNER_FIXTURE_H_
#define KEYWARD_TESTS_E2E_SIGNER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/signer_client.h"
#include "tests/testing/code_and_reason.h"
#include "tests/testing/signer_process.h"

namespace keyward::e2e {

inline constexpr char kConsumerKey[] = "3MVG9.e2e.key";
inline constexpr char kSubject[] = "user@example.com";
inline constexpr char kAudience[] = "https://login.salesforce.com";

// Far more than any wait should take, for machines that do other work too.
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// Whether `condition` became true within `patience`. It is tried again and again,
// for what gives no event to wait for.
bool Eventually(const std::function<bool()>& condition, absl::Duration patience = kPatience);

// The claims that CreateConnection()'s connections accept; `more` is added before
// the closing brace, such as R"(,"jti":"1")".
std::string GoodClaims(absl::string_view more = "");

using testing::CodeAndReason;

// The records of an audit log that begins with record 1. What is not one JSON object a
// line, a gap in the sequence numbers and a break in the chain of hashes are a failure of
// the test.
std::vector<nlohmann::json> ParseWholeAudit(const std::string& log);

// The same without what the signer records of itself: OpenFile, Checkpoint, Start.
std::vector<nlohmann::json> ParseAudit(const std::string& log);

class SignerTest : public ::testing::Test {
 protected:
  // Starts the daemon; a failure of the test where it does not serve.
  void Start(const testing::Environment& environment = {});
  // SIGTERM; expects that it ends in order.
  void Stop();

  // A client that asks once, as "operator", "backend" or a certificate that the
  // test has added to the PKI.
  std::unique_ptr<client::SignerClient> Client(const std::string& name = "operator") const;

  // Makes a connection with kConsumerKey, kSubject and kAudience.
  void CreateConnection(const std::string& name = "acme") const;

  // Signs GoodClaims() as the operator.
  absl::Status Sign(const std::string& connection = "acme") const;

  std::vector<nlohmann::json> Audit() const;
  // Of every Sign in the audit log, by time: its reason, or "done"; of refusals that were
  // counted as many as there were. The count of a second is written when that is over.
  std::vector<std::string> SignOutcomes() const;
  // Waits until the log has as many Signs as `expected`, and compares them in whatever
  // order; of refusals those beyond ten kinds a second may be on record as VARIOUS.
  void ExpectSignOutcomes(std::vector<std::string> expected) const;

  testing::SignerProcess signer_;
};

// The same with tests/testing/faulty_module between the daemon and the token.
class FaultySignerTest : public SignerTest {
 protected:
  FaultySignerTest();

  // Starts with one session at the token and room for one more call to wait, and makes
  // the connection "acme".
  void StartWithRoomForTwo();

  // For Start() and RunToEnd().
  testing::Environment environment() const;
  // Replaces the script; "" for a module that works.
  void SetFaults(absl::string_view script) const { signer_.Write("faults", script); }
  // How often the token was asked to do `call`, "C_Sign" or "C_Login".
  int Calls(absl::string_view call) const;
};

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_SIGNER_FIXTURE_H_
