// Metrics and health over HTTP, and the warnings of certificates near their end.
#include <httplib.h>
#include <signal.h>
#include <stdio.h>

#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "tests/e2e/failed_start.h"
#include "tests/e2e/monitoring_page.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Within the thirty days from its first moment on.
constexpr char kShortLived[] = "certificate:\n  validity_days: 1\n";

class MonitoringTest : public SignerTest {
 protected:
  void StartWith(const std::string& settings) {
    signer_.Write("signer.yaml", absl::StrCat(signer_.DefaultConfig(), settings));
    Start();
  }

  Page Health() { return Get(signer_, "/health"); }
  std::string Metrics() { return Get(signer_, "/metrics").body; }

  void ExpectServing() {
    EXPECT_TRUE(Eventually([&] { return Health().status == 200; })) << Health().body;
  }
};

TEST_F(MonitoringTest, FollowsTheConnections) {
  StartWith(kMonitoring);
  ExpectServing();
  EXPECT_EQ(json::parse(Health().body),
            json::parse(R"({"status": "SERVING", "certificates": []})"));
  const char kSeries[] =
      R"(keyward_certificate_expiry_timestamp_seconds{connection="acme",key_version="1"} 1)";
  EXPECT_THAT(
      Metrics(),
      AllOf(HasSubstr("keyward_build_info{version=\"0."), HasSubstr("\nkeyward_serving 1\n"),
            HasSubstr("\nkeyward_certificates_expiring 0\n"), Not(HasSubstr("acme"))));
  CreateConnection();
  EXPECT_THAT(Metrics(),
              AllOf(HasSubstr(kSeries), HasSubstr("\nkeyward_certificates_expiring 0\n")));
  EXPECT_EQ(signer_.Keyward({"connection", "delete", "acme", "--yes"}).exit_code, 0);
  EXPECT_THAT(Metrics(), Not(HasSubstr("acme")));
  Stop();
}

TEST_F(MonitoringTest, ACertificateNearItsEndIsToldEverywhere) {
  StartWith(absl::StrCat(kMonitoring, kShortLived));
  CreateConnection();
  ExpectServing();
  EXPECT_THAT(Metrics(), HasSubstr("\nkeyward_certificates_expiring 2\n"));
  const json health = json::parse(Health().body);
  ASSERT_EQ(health["certificates"].size(), 2U);
  // The other is the audit log's own.
  const json& certificate =
      health["certificates"][health["certificates"][0]["connection"] == ".audit" ? 1 : 0];
  EXPECT_EQ(certificate["connection"], "acme");
  EXPECT_EQ(certificate["key_version"], 1);
  EXPECT_EQ(certificate["state"], "ACTIVE");
  EXPECT_EQ(certificate["days_left"], 0);
  EXPECT_EQ(certificate["status"], "EXPIRING");

  const testing::Finished table = signer_.Keyward({"key", "list", "acme"});
  EXPECT_EQ(table.exit_code, 0);
  EXPECT_THAT(table.out, AllOf(HasSubstr(certificate["not_after"].get<std::string>()),
                               HasSubstr("expires within a day")));
  EXPECT_THAT(table.err, HasSubstr("keyward certificate renew acme --version 1"));
  const testing::Finished listed = signer_.Keyward({"key", "list", "acme", "--output", "json"});
  EXPECT_EQ(json::parse(listed.out)[0]["certificate_status"], "EXPIRING");
  Stop();

  // In the log from the next start on, also without monitoring.
  signer_.Write("signer.yaml", signer_.DefaultConfig());
  Start();
  EXPECT_TRUE(
      signer_.daemon().WaitForOutput("key version 1 of connection \"acme\" expires within a day"))
      << signer_.daemon().Output();
  EXPECT_THAT(signer_.daemon().Output(), Not(HasSubstr("monitoring on")));
  Stop();
}

TEST_F(MonitoringTest, ATokenThatIsAwayIsSeen) {
  StartWith(kMonitoring);
  CreateConnection();
  ExpectServing();
  const std::string place = signer_.softhsm().token_dir();
  const std::string elsewhere = place + ".away";
  ASSERT_EQ(rename(place.c_str(), elsewhere.c_str()), 0);
  EXPECT_EQ(CodeAndReason(Sign()), "UNAVAILABLE TOKEN_UNAVAILABLE");
  EXPECT_TRUE(Eventually([&] { return Health().status == 503; }));
  EXPECT_EQ(Health().body,
            "{\"status\":\"NOT_SERVING\",\"reason\":\"TOKEN_UNAVAILABLE\",\"certificates\":[]}\n");
  EXPECT_THAT(Metrics(), AllOf(HasSubstr("\nkeyward_serving 0\n"), HasSubstr("acme")));
  // Not waited for: the module is loaded again at most every thirty seconds.
  ASSERT_EQ(rename(elsewhere.c_str(), place.c_str()), 0);
  Stop();
}

TEST_F(MonitoringTest, AnAuditLogThatIsAwayAndBackIsSeen) {
  StartWith(kMonitoring);
  CreateConnection();
  ExpectServing();
  const std::string place = signer_.File("audit.jsonl");
  const std::string elsewhere = signer_.File("audit.away");
  ASSERT_EQ(rename(place.c_str(), elsewhere.c_str()), 0);
  EXPECT_EQ(CodeAndReason(Sign()), "UNAVAILABLE AUDIT_UNAVAILABLE");
  EXPECT_TRUE(Eventually([&] { return Health().status == 503; }));
  EXPECT_THAT(Health().body, HasSubstr("\"reason\":\"AUDIT_UNAVAILABLE\""));
  EXPECT_THAT(Metrics(), HasSubstr("\nkeyward_serving 0\n"));
  ASSERT_EQ(rename(elsewhere.c_str(), place.c_str()), 0);
  ExpectServing();
  EXPECT_THAT(Metrics(), HasSubstr("\nkeyward_serving 1\n"));
  Stop();
}

TEST_F(MonitoringTest, OtherPathsAndMethods) {
  StartWith(kMonitoring);
  EXPECT_EQ(Get(signer_, "/").status, 404);
  EXPECT_EQ(Get(signer_, "/metrics/x").status, 404);
  httplib::Client client(MonitoringUrl(signer_));
  EXPECT_EQ(client.Post("/health", "{}", "application/json")->status, 405);
  EXPECT_EQ(client.Delete("/metrics")->status, 405);
  Stop();
}

class MonitoringFaultsTest : public FailedStartTest {
 protected:
  void Add(const std::string& settings) const {
    Configure("policy: policy.yaml\n", absl::StrCat("policy: policy.yaml\n", settings));
  }
};

TEST_F(MonitoringFaultsTest, APortThatIsTakenKeepsItFromStarting) {
  Add(kMonitoring);
  Start(environment());
  const std::string taken = signer_.address();
  Configure("  listen: 127.0.0.1:0\n", absl::StrCat("  listen: ", taken, "\n"));
  Configure("sqlite: registry.db", "sqlite: second.db");
  Configure("file: audit.jsonl", "file: second.jsonl");
  ExpectFailedStart({"monitoring.listen", taken, "another process"});
  Stop();
}

TEST_F(MonitoringFaultsTest, AnAddressThatOthersReachIsAMistake) {
  Add("monitoring:\n  listen: 0.0.0.0:0\n");
  ExpectFailedStart({"monitoring.listen", "loopback", "allow_remote"});
  Configure("0.0.0.0:0\n", "0.0.0.0:0\n  allow_remote: true\n");
  ExpectGoodStart();
}

TEST_F(MonitoringFaultsTest, AnswersWhileTheSignerDrains) {
  Add(kMonitoring);
  Start(environment());
  CreateConnection();
  const int before = Calls("C_Sign");
  SetFaults("C_Sign wait 600000\n");
  auto call = std::async(std::launch::async, [this] { return Sign(); });
  ASSERT_TRUE(Eventually([&] { return Calls("C_Sign") == before + 1; }));
  signer_.daemon().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([&] { return Get(signer_, "/health").status == 503; }));
  EXPECT_TRUE(Eventually(
      [&] { return Get(signer_, "/health").body.find("\"DRAINING\"") != std::string::npos; }));
  EXPECT_THAT(Get(signer_, "/metrics").body, HasSubstr("\nkeyward_serving 0\n"));
  SetFaults("");
  EXPECT_EQ(CodeAndReason(call.get()), "OK");
  EXPECT_EQ(signer_.daemon().Wait(kPatience), 0) << signer_.daemon().Output();
}

}  // namespace
}  // namespace keyward::e2e
