// Quotas of a running signer. They give a token in 100 seconds, so that within a test
// there are as many calls as the burst says.
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/openssl.h"
#include "tests/e2e/monitoring_page.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kExceeded[] = "RESOURCE_EXHAUSTED QUOTA_EXCEEDED";

class QuotasTest : public SignerTest {
 protected:
  QuotasTest() {
    EXPECT_EQ(testing::Run({KEYWARD_DEV_PKI, "--client", "second", "--uri",
                            "spiffe://keyward.example/second", signer_.File("pki")})
                  .exit_code,
              0);
    signer_.Write("signer.yaml", absl::StrCat(signer_.DefaultConfig(), kMonitoring));
  }

  // The backend and "second" sign for every connection; `quotas` are lines of that section.
  static std::string PolicyWith(absl::string_view quotas) {
    std::string policy = absl::StrCat(testing::kDefaultPolicy, R"(
  - name: signers
    identities: ["spiffe://keyward.example/backend", "spiffe://keyward.example/second"]
    connections: ["*"]
    operations: [sign]
)");
    if (!quotas.empty()) absl::StrAppend(&policy, "quotas:\n", quotas);
    return policy;
  }
  void StartWith(absl::string_view quotas) {
    signer_.Write("policy.yaml", PolicyWith(quotas));
    Start();
    CreateConnection("acme");
  }
  void Change(absl::string_view quotas) {
    // Never a file that the log has named before.
    const std::string policy = absl::StrCat(PolicyWith(quotas), "# ", ++changes_, "\n");
    signer_.Write("policy.yaml", policy);
    ASSERT_TRUE(
        signer_.daemon().WaitForOutput("of the file with SHA-256 " + HexSha256(policy), kPatience));
  }

  static absl::Status SignWith(client::SignerClient& client, absl::string_view connection) {
    return client.Sign(connection, GoodClaims()).status();
  }
  // How many of `calls` signatures there are before the first refusal, which is checked.
  static int SignaturesUntilRefused(client::SignerClient& client, absl::string_view connection,
                                    int calls = 20) {
    for (int i = 0; i < calls; ++i) {
      const absl::Status status = SignWith(client, connection);
      if (status.ok()) continue;
      EXPECT_EQ(CodeAndReason(status), kExceeded) << status;
      const std::optional<absl::Duration> delay = RetryDelayOf(status);
      EXPECT_TRUE(delay.has_value()) << status;
      EXPECT_GT(delay.value_or(absl::ZeroDuration()), absl::ZeroDuration());
      EXPECT_LE(delay.value_or(absl::ZeroDuration()), absl::Seconds(100));
      return i;
    }
    return calls;
  }

  int changes_ = 0;
};

TEST_F(QuotasTest, EachIdentityHasItsOwn) {
  StartWith(
      R"(  - {name: signers, identities: ["spiffe://keyward.example/backend", "spiffe://keyward.example/second"], per_second: 0.01, burst: 3}
)");
  const auto backend = Client("backend");
  EXPECT_EQ(SignaturesUntilRefused(*backend, "acme"), 3);
  EXPECT_EQ(CodeAndReason(SignWith(*backend, "acme")), kExceeded);
  EXPECT_EQ(CodeAndReason(SignWith(*Client("backend"), "acme")), kExceeded)
      << "another channel is the same identity";
  EXPECT_EQ(CodeAndReason(backend->GetConnection("acme").status()), kExceeded)
      << "whatever the call";
  EXPECT_EQ(SignaturesUntilRefused(*Client("second"), "acme"), 3) << "as many as the first had";
  EXPECT_EQ(SignaturesUntilRefused(*Client(), "acme"), 20) << "none for the operator";
  EXPECT_THAT(Series(signer_, "keyward_quota_refusals_total"),
              ElementsAre("keyward_quota_refusals_total{kind=\"identity\"} 5",
                          "keyward_quota_refusals_total{kind=\"connection\"} 0"));
  Stop();
  const std::vector<std::string> outcomes = SignOutcomes();
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "done"), 26);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "QUOTA_EXCEEDED"), 4);
}

TEST_F(QuotasTest, WhoHasToStopSigningWaitsForNone) {
  StartWith(
      R"(  - {name: operator, identities: ["spiffe://keyward.example/operator"], per_second: 0.01, burst: 3}
)");
  const auto client = Client();
  while (client->GetConnection("acme").ok()) {
  }
  EXPECT_EQ(CodeAndReason(client->GetConnection("acme").status()), kExceeded);
  EXPECT_EQ(CodeAndReason(client->FreezeConnection("acme", "").status()), "OK");
  EXPECT_EQ(CodeAndReason(client->SetEmergencyFreeze(true, "")), "OK");
  EXPECT_EQ(CodeAndReason(client->ThawConnection("acme", "").status()), kExceeded);
}

TEST_F(QuotasTest, EachConnectionHasItsOwn) {
  StartWith(R"(  - {name: small, connections: ["acme", "eu-*"], per_second: 0.01, burst: 4}
)");
  CreateConnection("eu-1");
  CreateConnection("other");
  const auto backend = Client("backend");
  EXPECT_EQ(SignaturesUntilRefused(*backend, "acme", 2), 2);
  EXPECT_EQ(SignaturesUntilRefused(*Client("second"), "acme"), 2) << "whoever asks";
  EXPECT_EQ(CodeAndReason(SignWith(*Client(), "acme")), kExceeded);
  EXPECT_EQ(SignaturesUntilRefused(*backend, "eu-1"), 4);
  EXPECT_EQ(SignaturesUntilRefused(*backend, "other"), 20);
  EXPECT_TRUE(backend->GetConnection("acme").ok()) << "it counts signatures";
  EXPECT_THAT(Series(signer_, "keyward_quota_refusals_total"),
              ElementsAre("keyward_quota_refusals_total{kind=\"identity\"} 0",
                          "keyward_quota_refusals_total{kind=\"connection\"} 3"));
}

TEST_F(QuotasTest, WhoMayNotSignUsesUpNoConnectionsQuota) {
  StartWith(R"(  - {name: small, connections: ["acme"], per_second: 0.01, burst: 2}
)");
  EXPECT_EQ(testing::Run({KEYWARD_DEV_PKI, "--client", "stranger", signer_.File("pki")}).exit_code,
            0);
  const auto stranger = Client("stranger");
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(CodeAndReason(SignWith(*stranger, "acme")), "PERMISSION_DENIED NOT_ALLOWED");
  }
  EXPECT_EQ(SignaturesUntilRefused(*Client("backend"), "acme"), 2);
}

TEST_F(QuotasTest, WithoutQuotasThereIsNoLimitUntilThePolicyChanges) {
  StartWith("");
  const auto backend = Client("backend");
  EXPECT_EQ(SignaturesUntilRefused(*backend, "acme", 50), 50);
  Change(R"(  - {name: all, identities: ["*"], per_second: 0.01, burst: 1}
)");
  EXPECT_EQ(SignaturesUntilRefused(*backend, "acme"), 1);
  EXPECT_EQ(CodeAndReason(SignWith(*backend, "acme")), kExceeded);
  // Another rate and burst: full buckets.
  Change(R"(  - {name: all, identities: ["*"], per_second: 0.02, burst: 5}
)");
  EXPECT_EQ(SignaturesUntilRefused(*backend, "acme"), 5);
  // The same again under another name: what was used up is.
  Change(R"(  - {name: renamed, identities: ["*"], per_second: 0.02, burst: 5}
)");
  EXPECT_EQ(CodeAndReason(SignWith(*backend, "acme")), kExceeded);
  Change("");
  EXPECT_EQ(SignaturesUntilRefused(*backend, "acme"), 20);
  EXPECT_THAT(Get(signer_, "/metrics").body, HasSubstr("keyward_quota_refusals_total"));
}

TEST_F(QuotasTest, TheClientWaitsAsLongAsItIsTold) {
  // Fifty a second: the wait is short, and without it the call fails.
  StartWith(
      R"(  - {name: signers, identities: ["spiffe://keyward.example/backend"], per_second: 50, burst: 1}
)");
  auto patient = client::SignerClient::New({.signers = {signer_.address()},
                                            .ca_file = signer_.File("pki/ca.pem"),
                                            .certificate_file = signer_.File("pki/backend.pem"),
                                            .private_key_file = signer_.File("pki/backend.key"),
                                            .timeout = kPatience,
                                            .retry = {.max_attempts = 10}});
  ASSERT_TRUE(patient.ok()) << patient.status();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(SignWith(**patient, "acme").ok());
}

}  // namespace
}  // namespace keyward::e2e
