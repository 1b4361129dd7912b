// keyward-exchange as a daemon: settings, listeners, renewed certificates, monitoring,
// and its end.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "keyward/v1/exchange.grpc.pb.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e_exchange/exchange_system.h"
#include "tests/testing/code_and_reason.h"

namespace keyward::e2e {
namespace {

using testing::CodeAndReason;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Replaced;

class ExchangeDaemonTest : public ::testing::Test {
 protected:
  void Start() {
    if (!system_.Start()) FAIL() << system_.daemon().Output();
  }

  std::string File(absl::string_view name) const { return system_.signer().File(name); }

  std::string Monitoring(const char* path) {
    const std::string output = system_.daemon().Output();
    constexpr char kMonitoring[] = "monitoring on http://127.0.0.1:";
    const size_t at = output.find(kMonitoring);
    if (at == std::string::npos) return output;
    httplib::Client http("127.0.0.1", std::stoi(output.substr(at + sizeof kMonitoring - 1)));
    const auto answer = http.Get(path);
    return answer ? absl::StrCat(answer->status, "\n", answer->body) : "no answer";
  }

  std::string Health(const std::shared_ptr<grpc::Channel>& channel) const {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service("keyward.v1.Exchange");
    grpc::health::v1::HealthCheckResponse response;
    const grpc::Status status =
        grpc::health::v1::Health::NewStub(channel)->Check(&context, request, &response);
    if (!status.ok()) return status.error_message();
    return grpc::health::v1::HealthCheckResponse::ServingStatus_Name(response.status());
  }

  ExchangeSystem system_;
};

TEST_F(ExchangeDaemonTest, CheckConfigFindsNothingOrEverything) {
  testing::Finished checked = system_.RunToEnd({"--check-config"});
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("no mistakes found"));

  system_.WriteConfig(
      Replaced(Replaced(system_.DefaultConfig(), "policy: policy.yaml",
                        "policy: absent.yaml\nlogins: {per_hour: 3000, burst: 600}"),
               "listen: 127.0.0.1:0", "listen: nowhere"));
  checked = system_.RunToEnd({"--check-config"});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.err, HasSubstr("exchange.yaml:1: listen: must be HOST:PORT"));
  EXPECT_THAT(checked.err, HasSubstr("exchange.yaml:7: logins: per_hour and burst must be 3599 "
                                     "together at most"));

  system_.WriteConfig(Replaced(
      Replaced(Replaced(system_.DefaultConfig(), "policy: policy.yaml", "policy: absent.yaml"),
               "private_key: pki/exchange.key", "private_key: pki/backend.key"),
      "private_login_hosts: [\"127.0.0.1\"]", "login_hosts: [\"*\"]"));
  checked = system_.RunToEnd({"--check-config"});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.err, HasSubstr(":4: tls.private_key: "));
  EXPECT_THAT(checked.err, HasSubstr("does not belong to the certificate"));
  EXPECT_THAT(checked.err, HasSubstr(":6: policy: " + File("absent.yaml") + ": cannot be read"));
  EXPECT_THAT(checked.err, HasSubstr("https: "));
  EXPECT_THAT(checked.err, HasSubstr("login_hosts"));
}

TEST_F(ExchangeDaemonTest, CheckConfigSeesWhereNoSocketCanCome) {
  for (const auto& [path, wrong] : {std::pair{"absent/s", "its folder is not there"},
                                    std::pair{"policy.yaml", "is there and is no socket"}}) {
    system_.WriteConfig(absl::StrCat(system_.DefaultConfig(), "unix_socket: {path: ", path,
                                     ", identity: cn:billing}\n"));
    const testing::Finished checked = system_.RunToEnd({"--check-config"});
    EXPECT_EQ(checked.exit_code, 1);
    EXPECT_THAT(checked.err,
                HasSubstr(absl::StrCat("unix_socket.path: ", File(path), ": ", wrong)));
  }
}

TEST_F(ExchangeDaemonTest, CheckConfigSeesAPathThatIsNoSockets) {
  const std::string config = system_.DefaultConfig();
  system_.WriteConfig(absl::StrCat("unix_socket:\n  path: ", std::string(108, 's'),
                                   "\n  identity: cn:service\n",
                                   config.substr(config.find("policy:"))));
  const testing::Finished checked = system_.RunToEnd({"--check-config"});
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.err,
              HasSubstr("exchange.yaml:2: unix_socket.path: is too long for a socket"));
}

TEST_F(ExchangeDaemonTest, AProxysPasswordIsNotForEverybody) {
  const auto with_proxy = [&](absl::string_view proxy) {
    system_.WriteConfig(testing::Replaced(system_.DefaultConfig(), "https:\n",
                                          absl::StrCat("https:\n  proxy: ", proxy, "\n")));
  };
  const auto check = [&](mode_t mode) {
    EXPECT_EQ(chmod(File("exchange.yaml").c_str(), mode), 0);
    return system_.RunToEnd({"--check-config"});
  };
  with_proxy("http://keyward:s3cret@proxy.example:3128");
  const testing::Finished open = check(0644);
  EXPECT_EQ(open.exit_code, 1);
  EXPECT_THAT(open.err, HasSubstr("https.proxy: has a password"));
  EXPECT_THAT(open.err + open.out, Not(HasSubstr("s3cret")));
  EXPECT_EQ(check(0640).exit_code, 0);
  with_proxy("http://proxy.example:3128");
  EXPECT_EQ(check(0644).exit_code, 0);
}

TEST_F(ExchangeDaemonTest, ServesWhileTheSignerIsAway) {
  system_.signer().Stop();
  Start();
  const auto channel = system_.Channel();
  EXPECT_EQ(Health(channel), "SERVING");
  // Field 7 of ServerReflectionRequest, list_services.
  EXPECT_THAT(
      CallStreaming(channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                    "\x3a\x01*")
          .bytes,
      HasSubstr("keyward.v1.Exchange"));
  const absl::Status late =
      system_.Client()->Exchange("acme", {.deadline = absl::Now() + absl::Seconds(2)}).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  EXPECT_TRUE(system_.daemon().WaitForOutput("signer: no answer", kPatience))
      << system_.daemon().Output();
}

TEST_F(ExchangeDaemonTest, ASidecarOnAUnixSocket) {
  const std::string config = system_.DefaultConfig();
  system_.WriteConfig(
      absl::StrCat("unix_socket:\n  path: exchange.sock\n  identity: "
                   "spiffe://keyward.example/backend\n  mode: \"0660\"\n",
                   config.substr(config.find("policy:"))));
  Start();
  EXPECT_EQ(system_.address(), "unix:" + File("exchange.sock"));
  struct stat file {};
  ASSERT_EQ(stat(File("exchange.sock").c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 07777U, 0660U);
  const auto client = client::ExchangeClient::New({.exchange = system_.address()});
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_TRUE((*client)->Exchange("acme").ok());
  EXPECT_EQ(CodeAndReason((*client)->Exchange("other").status()), "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(system_.Stop(), 0);
  EXPECT_FALSE(std::filesystem::exists(File("exchange.sock")));
}

TEST_F(ExchangeDaemonTest, OverTcpNobodyIsTheSocket) {
  system_.WriteConfig(absl::StrCat(system_.DefaultConfig(),
                                   "unix_socket:\n  path: exchange.sock\n  identity: "
                                   "spiffe://keyward.example/backend\n"));
  Start();
  ASSERT_THAT(system_.address(), HasSubstr(" and unix:"));
  const std::string tcp = system_.address().substr(0, system_.address().find(' '));
  for (const auto& credentials :
       {grpc::InsecureChannelCredentials(),
        grpc::SslCredentials({ReadFile(File("pki/ca.pem")).value_or(""), "", ""})}) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    v1::ExchangeRequest request;
    request.set_connection("acme");
    v1::ExchangeResponse response;
    const auto stub = v1::Exchange::NewStub(grpc::CreateChannel(tcp, credentials));
    EXPECT_EQ(stub->Exchange(&context, request, &response).error_code(),
              grpc::StatusCode::UNAVAILABLE);
  }
  EXPECT_EQ(system_.LoginAttempts(), 0);
}

TEST_F(ExchangeDaemonTest, RenewedFilesAreTakenUp) {
  Start();
  // A client of an authority that the daemon does not know yet.
  const testing::Finished pki =
      testing::Run({absl::StrCat(KEYWARD_SOURCE_DIR, "/scripts/dev-pki"), File("pki2")});
  ASSERT_EQ(pki.exit_code, 0) << pki.err;
  for (const char* name : {"exchange.pem", "exchange.key", "ca.pem"}) {
    // As certificate managers do: a new file takes the old one's name.
    std::filesystem::copy_file(File(absl::StrCat("pki2/", name)), File("new"));
    std::filesystem::rename(File("new"), File(absl::StrCat("pki/", name)));
  }
  ASSERT_TRUE(system_.daemon().WaitForOutput("new client certificate", kPatience))
      << system_.daemon().Output();
  for (const char* name : {"backend.pem", "backend.key"}) {
    std::filesystem::rename(File(absl::StrCat("pki2/", name)), File(absl::StrCat("pki/", name)));
  }
  const absl::Time end = absl::Now() + kPatience;
  std::string health;
  while (health != "SERVING" && absl::Now() < end) health = Health(system_.Channel());
  EXPECT_EQ(health, "SERVING");
}

TEST_F(ExchangeDaemonTest, MonitoringTellsWhatHappened) {
  system_.WriteConfig(absl::StrCat(system_.DefaultConfig(), "monitoring: {listen: 127.0.0.1:0}\n"));
  Start();
  const auto client = system_.Client();
  EXPECT_TRUE(client->Exchange("acme").ok());
  EXPECT_TRUE(client->Exchange("acme").ok());
  EXPECT_FALSE(client->Exchange("other").ok());
  EXPECT_EQ(Monitoring("/health"), "200\n{\"status\":\"SERVING\"}\n");
  const std::string metrics = Monitoring("/metrics");
  for (const char* line :
       {"keyward_calls_total{code=\"OK\",method=\"Exchange\"} 2\n",
        "keyward_calls_total{code=\"PERMISSION_DENIED\",method=\"Exchange\"} 1\n",
        "keyward_exchange_lookups_total{result=\"hit\"} 1\n",
        "keyward_exchange_lookups_total{result=\"login\"} 1\n",
        "keyward_exchange_logins_total{result=\"granted\"} 1\n",
        "keyward_exchange_login_causes_total{cause=\"miss\"} 1\n",
        "keyward_exchange_login_seconds_count{phase=\"signer\"} 1\n",
        "keyward_exchange_login_seconds_count{phase=\"network\"} 1\n",
        "keyward_exchange_wait_seconds_count 1\n", "keyward_exchange_tokens 1\n",
        "keyward_exchange_open_circuits 0\n", "keyward_serving 1\n",
        "keyward_exchange_signer_answers 1\n",
        "keyward_tls_certificate_expiry_timestamp_seconds "}) {
    EXPECT_THAT(metrics, HasSubstr(line));
  }
}

TEST_F(ExchangeDaemonTest, ASecondDaemonDoesNotTakeThePortOrTheSocket) {
  Start();
  system_.WriteConfig(Replaced(system_.DefaultConfig(), "127.0.0.1:0", system_.address()));
  const testing::Finished second = system_.RunToEnd();
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("listen: cannot listen on"));
}

TEST_F(ExchangeDaemonTest, SigtermLetsWaitingCallsFinish) {
  Start();
  system_.standin().Fault(testing::kTokenEndpoint, "latency", 1, {{"milliseconds", 2000}});
  absl::Status outcome = absl::UnknownError("not called");
  std::thread caller([&] { outcome = system_.Client()->Exchange("acme").status(); });
  const absl::Time end = absl::Now() + kPatience;
  // Its assertion is signed, so it waits for Salesforce.
  while (!absl::StrContains(ReadFile(File("audit.jsonl")).value_or(""), R"("method":"Sign")") &&
         absl::Now() < end) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  // Nothing long begins any more, though the server still answers.
  const auto client = system_.Client("operator");
  EXPECT_TRUE(absl::IsNotFound(client->Exchange("absent").status()));
  system_.daemon().Signal(SIGTERM);
  EXPECT_TRUE(system_.daemon().WaitForOutput("draining", kPatience));
  EXPECT_EQ(CodeAndReason(client->TestConnection("acme").status()), "UNAVAILABLE SHUTTING_DOWN");
  EXPECT_EQ(system_.daemon().Wait(), 0) << system_.daemon().Output();
  caller.join();
  EXPECT_TRUE(outcome.ok()) << outcome;
}

}  // namespace
}  // namespace keyward::e2e
