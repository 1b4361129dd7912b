// Audit records forwarded to a syslog daemon's socket, which here is the test's.
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/openssl.h"
#include "tests/e2e/monitoring_page.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"
#include "tests/signer/syslog_receivers.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using signer::DatagramReceiver;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kNotForwarded[] = "UNAVAILABLE AUDIT_FORWARD_UNAVAILABLE";

class ForwardTest : public SignerTest {
 protected:
  void Configure(bool required) {
    const std::string forward = absl::StrCat(
        "  forward:\n    unix_socket: log.socket\n    required: ", required ? "true" : "false",
        "\npolicy:");
    signer_.Write(
        "signer.yaml",
        absl::StrCat(testing::Replaced(signer_.DefaultConfig(), "policy:", forward), kMonitoring));
  }
  // Somebody begins to listen there.
  void Listen() { receiver_.emplace(signer_.File("log.socket")); }
  void HangUp() { receiver_.reset(); }

  // The record of the next datagram; null where none comes.
  json Next() {
    const std::optional<std::string> message = receiver_->Next(kPatience);
    if (!message) return nullptr;
    // RFC 5424: facility 13 is "log audit".
    const size_t begin = message->find('{');
    EXPECT_THAT(*message, HasSubstr(" keyward-signer "));
    if (begin == std::string::npos) return nullptr;
    return json::parse(message->substr(begin), nullptr, false);
  }
  // Those that come until one of that method and outcome is there, it included.
  std::vector<json> Until(absl::string_view method, absl::string_view claims_sha256 = "") {
    std::vector<json> records;
    while (true) {
      json record = Next();
      if (!record.is_object()) {
        ADD_FAILURE() << "no " << method;
        return records;
      }
      records.push_back(std::move(record));
      const json& last = records.back();
      if (last.value("method", "") == method &&
          (claims_sha256.empty() || last.value("claims_sha256", "") == claims_sha256)) {
        return records;
      }
    }
  }

  std::optional<DatagramReceiver> receiver_;
};

TEST_F(ForwardTest, AtBestEffortTheSignerWorksWithoutAndRecordsComeOnceItIsThere) {
  Configure(/*required=*/false);
  Start();
  CreateConnection();
  EXPECT_TRUE(Sign().ok());
  EXPECT_EQ(Health(Connect(signer_)), "SERVING");
  EXPECT_THAT(Series(signer_, "keyward_audit_forward_connected"),
              ElementsAre("keyward_audit_forward_connected 0"));
  Listen();
  ASSERT_TRUE(signer_.daemon().WaitForOutput("audit: forwarding to", kPatience));
  const std::string claims = GoodClaims(R"(,"jti":"there")");
  ASSERT_TRUE(Client()->Sign("acme", claims).ok());
  // What happened before, too: in order, without gaps.
  const std::vector<json> records = Until("Sign", HexSha256(claims));
  uint64_t sequence = 0;
  for (const json& record : records) EXPECT_EQ(record.value("sequence", 0U), ++sequence);
  EXPECT_THAT(Series(signer_, "keyward_audit_forward_connected"),
              ElementsAre("keyward_audit_forward_connected 1"));

  HangUp();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Sign().ok()) << "and nobody waits for it";
  Listen();
  const std::string again = GoodClaims(R"(,"jti":"again")");
  ASSERT_TRUE(Client()->Sign("acme", again).ok());
  Until("Sign", HexSha256(again));
  Stop();
  Until("Stop");
}

TEST_F(ForwardTest, WhereItIsRequiredNothingIsSignedWithoutIt) {
  Listen();
  Configure(/*required=*/true);
  Start();
  CreateConnection();
  const auto client = Client();
  const auto channel = Connect(signer_);
  const auto sign = [&] { return CodeAndReason(client->Sign("acme", GoodClaims()).status()); };
  EXPECT_EQ(sign(), "OK");
  EXPECT_TRUE(Eventually([&] { return Health(channel) == "SERVING"; }));

  HangUp();
  EXPECT_EQ(sign(), kNotForwarded) << "from the first call on";
  EXPECT_TRUE(Eventually([&] { return Health(channel) == "NOT_SERVING"; }));
  EXPECT_EQ(sign(), kNotForwarded);
  EXPECT_EQ(CodeAndReason(client->GetConnection("acme").status()), kNotForwarded);

  Listen();
  EXPECT_TRUE(Eventually([&] { return sign() == "OK"; })) << signer_.daemon().Output();
  EXPECT_TRUE(Eventually([&] { return Health(channel) == "SERVING"; }));
  const std::string claims = GoodClaims(R"(,"jti":"back")");
  ASSERT_TRUE(client->Sign("acme", claims).ok());
  // The receiver had it before the signature was released: no wait.
  Until("Sign", HexSha256(claims));
}

TEST_F(ForwardTest, WhereItIsRequiredASignerDoesNotStartWithoutIt) {
  Configure(/*required=*/true);
  const testing::Finished finished = signer_.RunToEnd();
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("audit.forward is required"));
  Listen();
  Start();
  CreateConnection();
  EXPECT_TRUE(Sign().ok());
}

}  // namespace
}  // namespace keyward::e2e
