// Against a real gRPC server with mutual TLS in this process.
#include "client/signer_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "common/error.h"
#include "tests/client/scripted_signer.h"
#include "tests/client/signer_client_fixture.h"

namespace keyward::client {
namespace {

using ::keyward::testing::RichStatus;
using ::testing::ElementsAre;

const auto& Unavailable() {
  static const auto& status =
      *new grpc::Status(RichStatus(grpc::UNAVAILABLE, "TOKEN_UNAVAILABLE", "the token is away"));
  return status;
}

class SignerClientTest : public SignerClientFixture {};

TEST_F(SignerClientTest, SignSendsTheClaimsAsTheyAre) {
  const auto assertion = Client()->Sign("acme", R"({"iss": "x" })", {.key_version = 3});
  ASSERT_TRUE(assertion.ok()) << assertion.status();
  EXPECT_EQ(assertion->jws.Expose(), "aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl");
  EXPECT_EQ(assertion->key_version, 3U);
  EXPECT_EQ(assertion->kid, "kid-1");
  EXPECT_EQ(assertion->expire_time, absl::FromUnixSeconds(1700000180));
  EXPECT_EQ(signer_->sign_request().connection(), "acme");
  EXPECT_EQ(signer_->sign_request().claims_json(), R"({"iss": "x" })");
  ASSERT_TRUE(Client()->Sign("acme", "{}").ok());
  EXPECT_FALSE(signer_->sign_request().has_key_version());
}

TEST_F(SignerClientTest, SignSaysForWhomAndInWhichTraceUntilWhen) {
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const absl::Time deadline = absl::Now() + absl::Seconds(17);
  ASSERT_TRUE(Client()
                  ->Sign("acme", "{}",
                         {.on_behalf_of = "spiffe://keyward.example/shop",
                          .traceparent = trace,
                          .deadline = deadline})
                  .ok());
  EXPECT_EQ(signer_->sign_request().on_behalf_of(), "spiffe://keyward.example/shop");
  EXPECT_EQ(signer_->sign_traceparent(), trace);
  // gRPC sends how much is left, to a few digits.
  EXPECT_LE(signer_->sign_deadline(), deadline + absl::Seconds(1));
  EXPECT_GE(signer_->sign_deadline(), deadline - absl::Seconds(1));

  // Not of the form: it would be another's header, or none that gRPC sends.
  for (const std::string& bad : {std::string(), trace + "x", "01" + trace.substr(2),
                                 trace.substr(0, 54) + "\n", trace.substr(0, 54) + "G"}) {
    ASSERT_TRUE(Client()->Sign("acme", "{}", {.traceparent = bad}).ok());
    EXPECT_EQ(signer_->sign_traceparent(), "");
  }
  EXPECT_EQ(signer_->sign_request().on_behalf_of(), "");
}

TEST_F(SignerClientTest, PreferAudienceIsRepeated) {
  signer_->FailNext("PreferAudience", Unavailable());
  const auto connection = Client()->PreferAudience("acme", "https://login.salesforce.com");
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(connection->name(), "acme");
  EXPECT_THAT(connection->audiences(), ElementsAre("https://login.salesforce.com"));
  EXPECT_EQ(signer_->Calls("PreferAudience"), 2);
}

TEST_F(SignerClientTest, ListTurnsThePages) {
  const auto connections = Client()->ListConnections();
  ASSERT_TRUE(connections.ok());
  std::vector<std::string> names;
  for (const auto& connection : *connections) names.push_back(connection.name());
  EXPECT_THAT(names, ElementsAre("acme", "beta", "gamma"));
  EXPECT_EQ(signer_->Calls("ListConnections"), 3);
}

TEST_F(SignerClientTest, UpdateSendsMaskAndEtag) {
  ASSERT_TRUE(Client()->UpdateConnection(Named("acme"), {"subjects", "consumer_key"}).ok());
  EXPECT_EQ(signer_->update_request().etag(), "7");
  EXPECT_THAT(signer_->update_request().update_mask().paths(),
              ElementsAre("subjects", "consumer_key"));
}

TEST_F(SignerClientTest, DeleteTellsHowManyKeysWentWithIt) {
  EXPECT_EQ(ReasonOf(Client()->DeleteConnection("acme", "6").status()), "ETAG_MISMATCH");
  EXPECT_EQ(Client()->DeleteConnection("acme", "7").value(), 2U);
  const absl::Status gone = Client()->GetConnection("acme").status();
  EXPECT_EQ(gone.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(gone), "CONNECTION_NOT_FOUND");
}

TEST_F(SignerClientTest, SignAndReadsAreRepeatedWhenTheSignerIsUnavailable) {
  const auto client = Client();
  for (const char* method :
       {"Sign", "GetConnection", "ListConnections", "GetCertificate", "ListKeyVersions"}) {
    signer_->FailNext(method, Unavailable(), 4);
  }
  signer_->SetConnections({Named("acme")});
  EXPECT_TRUE(client->Sign("acme", "{}").ok());
  EXPECT_TRUE(client->GetConnection("acme").ok());
  EXPECT_TRUE(client->ListConnections().ok());
  EXPECT_TRUE(client->GetCertificate("acme").ok());
  EXPECT_TRUE(client->ListKeyVersions("acme").ok());
  for (const char* method :
       {"Sign", "GetConnection", "ListConnections", "GetCertificate", "ListKeyVersions"}) {
    EXPECT_EQ(signer_->Calls(method), 5) << method;
  }
}

TEST_F(SignerClientTest, NoMoreAttemptsThanThePolicyAllows) {
  signer_->FailNext("Sign", Unavailable(), 10);
  const absl::Status status = Client()->Sign("acme", "{}").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "TOKEN_UNAVAILABLE");
  EXPECT_EQ(signer_->Calls("Sign"), 5);
  options_.retry.max_attempts = 1;
  EXPECT_FALSE(Client()->Sign("acme", "{}").ok());
  EXPECT_EQ(signer_->Calls("Sign"), 6);
}

TEST_F(SignerClientTest, ChangesAreSentOnce) {
  const auto client = Client();
  for (const char* method : {"CreateConnection", "UpdateConnection", "DeleteConnection"}) {
    signer_->FailNext(method, Unavailable());
    signer_->FailNext(
        method, RichStatus(grpc::RESOURCE_EXHAUSTED, "QUEUE_FULL", "full", absl::Milliseconds(1)));
  }
  for (const auto code : {absl::StatusCode::kUnavailable, absl::StatusCode::kResourceExhausted}) {
    EXPECT_EQ(client->CreateConnection(Named("new")).status().code(), code);
    EXPECT_EQ(client->UpdateConnection(Named("acme"), {"subjects"}).status().code(), code);
    EXPECT_EQ(client->DeleteConnection("acme", "7").status().code(), code);
  }
  EXPECT_EQ(signer_->Calls("CreateConnection"), 2);
  EXPECT_EQ(signer_->Calls("UpdateConnection"), 2);
  EXPECT_EQ(signer_->Calls("DeleteConnection"), 2);
}

TEST_F(SignerClientTest, AFullQueueIsTriedAgainNotBeforeItsDelay) {
  const absl::Duration delay = absl::Milliseconds(50);
  signer_->FailNext("Sign", RichStatus(grpc::RESOURCE_EXHAUSTED, "QUEUE_FULL", "full", delay));
  const absl::Time start = absl::Now();
  EXPECT_TRUE(Client()->Sign("acme", "{}").ok());
  EXPECT_GE(absl::Now() - start, delay);
  EXPECT_EQ(signer_->Calls("Sign"), 2);
}

TEST_F(SignerClientTest, ARateLimitThatSaysNoDelayIsFinal) {
  signer_->FailNext("Sign", RichStatus(grpc::RESOURCE_EXHAUSTED, "QUOTA", "too much"));
  EXPECT_EQ(ReasonOf(Client()->Sign("acme", "{}").status()), "QUOTA");
  EXPECT_EQ(signer_->Calls("Sign"), 1);
}

TEST_F(SignerClientTest, ADelayBeyondTheDeadlineIsNotWaitedFor) {
  signer_->FailNext("Sign",
                    RichStatus(grpc::RESOURCE_EXHAUSTED, "QUEUE_FULL", "full", absl::Hours(1)));
  const absl::Status status = Client()->Sign("acme", "{}").status();
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(status), absl::Hours(1));
  EXPECT_EQ(signer_->Calls("Sign"), 1);
}

// What common/error.h and ToGrpcStatus() let through at most.
TEST_F(SignerClientTest, TheLargestErrorFitsIntoATrailer) {
  std::string message;
  while (message.size() < 1024) message += "\u00e9";
  std::map<std::string, std::string> metadata;
  for (size_t i = 0; i < kMaxMetadataEntries; ++i) {
    metadata[std::string(kMaxMetadataKeyBytes - 1, 'k') + std::to_string(i)] =
        std::string(kMaxMetadataValueBytes, 'v');
  }
  signer_->FailNext("Sign", RichStatus(grpc::PERMISSION_DENIED, std::string(32, 'R'), message,
                                       absl::Seconds(1), metadata));
  const absl::Status status = Client()->Sign("acme", "{}").status();
  EXPECT_EQ(ReasonOf(status), std::string(32, 'R')) << status;
  EXPECT_EQ(MetadataOf(status), metadata);
}

TEST_F(SignerClientTest, RefusalsAreFinal) {
  for (const auto code : {grpc::INVALID_ARGUMENT, grpc::PERMISSION_DENIED, grpc::NOT_FOUND,
                          grpc::FAILED_PRECONDITION, grpc::INTERNAL, grpc::ABORTED}) {
    signer_->FailNext("Sign", RichStatus(code, "REFUSED", "no"));
    const absl::Status status = Client()->Sign("acme", "{}").status();
    EXPECT_EQ(static_cast<int>(status.code()), static_cast<int>(code));
    EXPECT_EQ(ReasonOf(status), "REFUSED");
  }
  EXPECT_EQ(signer_->Calls("Sign"), 6);
}

TEST_F(SignerClientTest, EveryCallHasADeadline) {
  options_.timeout = absl::Milliseconds(200);
  options_.key_timeout = absl::Milliseconds(200);
  const auto client = Client();
  for (const char* method :
       {"Sign", "GetConnection", "ListConnections", "GetCertificate", "ListKeyVersions",
        "CreateConnection", "UpdateConnection", "DeleteConnection"}) {
    signer_->Hang(method);
  }
  for (const absl::Status& status :
       {client->Sign("acme", "{}").status(), client->GetConnection("acme").status(),
        client->ListConnections().status(), client->GetCertificate("acme").status(),
        client->ListKeyVersions("acme").status(), client->CreateConnection(Named("new")).status(),
        client->UpdateConnection(Named("acme"), {"subjects"}).status(),
        client->DeleteConnection("acme", "7").status()}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_EQ(ReasonOf(status), "DEADLINE_EXCEEDED");
  }
}

TEST_F(SignerClientTest, TheCallersDeadlineHoldsToo) {
  signer_->Hang("Sign");
  options_.timeout = absl::Hours(1);
  EXPECT_EQ(Client()
                ->Sign("acme", "{}", {.deadline = absl::Now() + absl::Milliseconds(200)})
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace keyward::client
