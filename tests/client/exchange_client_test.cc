// Against a real gRPC server in this process.
#include "client/exchange_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "client/salesforce_error.h"
#include "common/error.h"
#include "tests/client/scripted_exchange.h"
#include "tests/testing/temp_dir.h"

namespace keyward::client {
namespace {

using ::keyward::testing::RichStatus;
using ::keyward::testing::ScriptedExchange;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

class ExchangeClientTest : public ::testing::Test {
 protected:
  ExchangeClientTest()
      : files_(pki_.Issue("server", "DNS:localhost,IP:127.0.0.1")),
        client_(pki_.Issue("shop", "URI:spiffe://keyward.example/shop")),
        service_(files_, pki_.ca()) {
    options_.exchange = service_.address();
    options_.ca_file = pki_.ca();
    options_.certificate_file = client_.certificate;
    options_.private_key_file = client_.private_key;
    options_.retry.initial_backoff = absl::Milliseconds(1);
    options_.retry.max_backoff = absl::Milliseconds(4);
    service_.SetResponse(Granted());
  }

  static v1::ExchangeResponse Granted() {
    v1::ExchangeResponse response;
    response.set_access_token("00Dxx!AQ0AQ.token");
    response.set_token_type("Bearer");
    response.set_instance_url("https://acme.my.salesforce.com");
    response.set_id("https://login.salesforce.com/id/00Dxx/005xx");
    response.set_scope("api refresh_token");
    response.mutable_expire_time()->set_seconds(1700000000);
    response.mutable_expire_time()->set_nanos(500000000);
    return response;
  }

  std::unique_ptr<ExchangeClient> Client() const { return ExchangeClient::New(options_).value(); }
  absl::Status NewError() const { return ExchangeClient::New(options_).status(); }

  const testing::TestPki pki_;
  const testing::CertificateFiles files_;
  const testing::CertificateFiles client_;
  ScriptedExchange service_;
  ExchangeClientOptions options_;
};

TEST_F(ExchangeClientTest, ExchangesInOneCall) {
  ExchangeOptions options;
  options.subject = "user@acme.example";
  options.rejected = Secret(std::string("00Dxx!OLD"));
  options.traceparent = kTrace;
  const auto token = Client()->Exchange("acme", options);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->granted.token.Expose(), "00Dxx!AQ0AQ.token");
  EXPECT_EQ(token->granted.instance_url, "https://acme.my.salesforce.com");
  EXPECT_EQ(token->granted.id, "https://login.salesforce.com/id/00Dxx/005xx");
  EXPECT_EQ(token->granted.scope, "api refresh_token");
  EXPECT_EQ(token->expire_time, absl::FromUnixMillis(1700000000500));
  EXPECT_EQ(service_.exchange_request().connection(), "acme");
  EXPECT_EQ(service_.exchange_request().subject(), "user@acme.example");
  EXPECT_EQ(service_.exchange_request().rejected_access_token(), "00Dxx!OLD");
  EXPECT_EQ(service_.traceparent(), kTrace);
}

TEST_F(ExchangeClientTest, AUnixSocketNeedsNoCertificate) {
  const testing::TempDir dir;
  ScriptedExchange local(dir.File("exchange.sock"));
  local.SetResponse(Granted());
  ExchangeClientOptions options;
  options.exchange = "unix:" + dir.File("exchange.sock");
  const auto client = ExchangeClient::New(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto token = (*client)->Exchange("acme");
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->granted.token.Expose(), "00Dxx!AQ0AQ.token");
}

TEST_F(ExchangeClientTest, ARefusalHasSalesforcesWords) {
  service_.FailNext(RichStatus(grpc::PERMISSION_DENIED, "USER_NOT_APPROVED", "no", std::nullopt,
                               {{"salesforce_error", "invalid_grant"},
                                {"salesforce_error_description", "user hasn't approved"}}));
  const absl::Status status = Client()->Exchange("acme").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), "USER_NOT_APPROVED");
  const auto said = SalesforceErrorOf(status);
  ASSERT_TRUE(said.has_value());
  EXPECT_EQ(said->error, "invalid_grant");
  EXPECT_EQ(said->description, "user hasn't approved");
  EXPECT_EQ(service_.calls(), 1);
}

TEST_F(ExchangeClientTest, AnExchangeIsRepeatedWhileThatHelps) {
  service_.FailNext(RichStatus(grpc::UNAVAILABLE, "SALESFORCE_TRANSIENT", "later"), 3);
  service_.FailNext(
      RichStatus(grpc::RESOURCE_EXHAUSTED, "TOO_MANY_WAITING", "full", absl::Milliseconds(1)));
  EXPECT_TRUE(Client()->Exchange("acme").ok());
  EXPECT_EQ(service_.calls(), 5);
  service_.FailNext(
      RichStatus(grpc::RESOURCE_EXHAUSTED, "LOGIN_BUDGET_SPENT", "wait", absl::Hours(1)));
  const absl::Status status = Client()->Exchange("acme").status();
  EXPECT_EQ(ReasonOf(status), "LOGIN_BUDGET_SPENT");
  EXPECT_EQ(RetryDelayOf(status), absl::Hours(1));
  EXPECT_EQ(service_.calls(), 6);
}

TEST_F(ExchangeClientTest, TestConnectionIsSentOnce) {
  v1::TestConnectionResponse response;
  response.set_verified(true);
  response.set_summary("Connection verified.");
  service_.SetResponse(response);
  TestConnectionOptions options;
  options.subject = "user@acme.example";
  options.key_version = 2;
  const auto result = Client()->TestConnection("acme", options);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->summary(), "Connection verified.");
  EXPECT_EQ(service_.test_request().connection(), "acme");
  EXPECT_EQ(service_.test_request().subject(), "user@acme.example");
  EXPECT_EQ(service_.test_request().key_version(), 2U);
  service_.FailNext(RichStatus(grpc::UNAVAILABLE, "SIGNER_UNREACHABLE", "away"));
  EXPECT_EQ(ReasonOf(Client()->TestConnection("acme").status()), "SIGNER_UNREACHABLE");
  EXPECT_EQ(service_.calls(), 2);
  ASSERT_TRUE(Client()->TestConnection("acme").ok());
  EXPECT_FALSE(service_.test_request().has_key_version());
}

TEST_F(ExchangeClientTest, EveryCallHasADeadline) {
  service_.Hang();
  options_.timeout = absl::Milliseconds(200);
  options_.test_timeout = absl::Milliseconds(200);
  EXPECT_EQ(ReasonOf(Client()->Exchange("acme").status()), "DEADLINE_EXCEEDED");
  EXPECT_EQ(ReasonOf(Client()->TestConnection("acme").status()), "DEADLINE_EXCEEDED");
  options_.timeout = absl::Hours(1);
  ExchangeOptions soon;
  soon.deadline = absl::Now() + absl::Milliseconds(200);
  EXPECT_EQ(ReasonOf(Client()->Exchange("acme", soon).status()), "DEADLINE_EXCEEDED");
}

TEST_F(ExchangeClientTest, OneThatIsNotThereIsNamed) {
  const testing::TempDir dir;
  options_.exchange = "unix:" + dir.File("none.sock");
  ExchangeOptions call;
  call.rejected = Secret(std::string("00Dxx!OLD"));
  const absl::Status status = Client()->Exchange("acme", call).status();
  EXPECT_EQ(ReasonOf(status), "EXCHANGE_UNREACHABLE");
  EXPECT_THAT(std::string(status.message()), HasSubstr("none.sock"));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("00Dxx!OLD")));
}

TEST_F(ExchangeClientTest, AnotherCaIsNotTrusted) {
  options_.ca_file = pki_.MakeCa("other");
  EXPECT_EQ(ReasonOf(Client()->Exchange("acme").status()), "EXCHANGE_UNREACHABLE");
  EXPECT_EQ(service_.calls(), 0);
}

TEST_F(ExchangeClientTest, OptionsAreChecked) {
  for (const char* bad : {"", "host", "unix:", "unix:relative.sock", "unix-abstract:x",
                          "dns:///host:1", "https://host:1"}) {
    options_.exchange = bad;
    EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID") << bad;
  }
  options_.exchange = "127.0.0.1";
  EXPECT_EQ(NewError().message(),
            "the exchange's address '127.0.0.1' must be host:port, like 127.0.0.1:7444, or "
            "unix:/PATH");
  options_.exchange = service_.address();
  options_.timeout = absl::ZeroDuration();
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
  options_.timeout = absl::Seconds(1);
  options_.keepalive = absl::Seconds(19);
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
  options_.keepalive = absl::Seconds(20);
  options_.private_key_file = files_.private_key;
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
}

}  // namespace
}  // namespace keyward::client
