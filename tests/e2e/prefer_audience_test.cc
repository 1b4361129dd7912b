// Connections.PreferAudience: who may, what changes, and what is recorded.
#include <keyward/v1/connections.grpc.pb.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kCommunity[] = "https://acme.my.site.com";

class PreferAudienceTest : public SignerTest {
 protected:
  PreferAudienceTest() {
    signer_.Write("policy.yaml",
                  testing::Replaced(testing::kDefaultPolicy, "[sign, view]", "[sign]"));
    Start();
    for (const char* name : {"acme", "other"}) {
      v1::Connection connection;
      connection.set_name(name);
      connection.set_consumer_key(kConsumerKey);
      connection.add_subjects(kSubject);
      connection.add_audiences(kAudience);
      connection.add_audiences(kCommunity);
      EXPECT_TRUE(Client()->CreateConnection(connection).ok());
    }
  }

  grpc::Status Prefer(const std::string& connection, const std::string& audience,
                      v1::Connection* answer = nullptr, const std::string& client = "backend") {
    v1::PreferAudienceRequest request;
    request.set_name(connection);
    request.set_audience(audience);
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    v1::Connection response;
    const grpc::Status status =
        v1::Connections::NewStub(Connect(signer_, signer_.File("pki/" + client + ".pem"),
                                         signer_.File("pki/" + client + ".key")))
            ->PreferAudience(&context, request, &response);
    if (answer != nullptr) *answer = response;
    return status;
  }

  v1::Connection Acme() const { return *Client()->GetConnection("acme"); }
};

TEST_F(PreferAudienceTest, WhoMaySignPutsAnAudienceFirst) {
  const v1::Connection before = Acme();
  const grpc::Status status = Prefer("acme", kCommunity);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const json record = Audit().back();
  EXPECT_EQ(record.value("method", ""), "PreferAudience");
  EXPECT_EQ(record.value("outcome", ""), "done");
  EXPECT_EQ(record.value("connection", ""), "acme");
  EXPECT_EQ(record.value("aud", ""), kCommunity);
  EXPECT_EQ(record.value("role", ""), "backends");
  EXPECT_EQ(record.value("identity", ""), "spiffe://keyward.example/backend");

  const v1::Connection after = Acme();
  EXPECT_THAT(after.audiences(), ElementsAre(kCommunity, kAudience));
  EXPECT_NE(after.etag(), before.etag());
  EXPECT_EQ(after.consumer_key(), before.consumer_key());
  EXPECT_THAT(after.subjects(), ElementsAre(kSubject));
  EXPECT_THAT(Client()->GetConnection("other")->audiences(), ElementsAre(kAudience, kCommunity));
  // Whoever changes the connection from what was there before is told.
  EXPECT_EQ(CodeAndReason(Client()->UpdateConnection(before, {"audiences"}).status()),
            "ABORTED ETAG_MISMATCH");
  EXPECT_EQ(CodeAndReason(Sign()), "OK");
}

TEST_F(PreferAudienceTest, WhatIsFirstAlreadyStaysAsItIs) {
  const v1::Connection before = Acme();
  EXPECT_TRUE(Prefer("acme", kAudience).ok());
  EXPECT_EQ(Acme().SerializeAsString(), before.SerializeAsString());
}

TEST_F(PreferAudienceTest, AnythingElseIsRefusedAndChangesNothing) {
  const v1::Connection before = Acme();
  const auto expect_refused = [&](const grpc::Status& status, grpc::StatusCode code,
                                  const std::string& reason) {
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_THAT(status.error_details(), HasSubstr(reason));
    // An answer of a refusal does not wait for its record.
    EXPECT_TRUE(Eventually([&] { return Audit().back().value("reason", "") == reason; }));
    EXPECT_LT(Audit().back().dump().size(), 1000U);
  };
  for (const std::string& audience : {std::string("https://test.salesforce.com"), std::string(""),
                                      absl::StrCat(kAudience, "/"), std::string(50000, 'x')}) {
    expect_refused(Prefer("acme", audience), grpc::StatusCode::INVALID_ARGUMENT,
                   "AUDIENCE_UNKNOWN");
  }
  expect_refused(Prefer("other", kCommunity), grpc::StatusCode::PERMISSION_DENIED, "NOT_ALLOWED");
  expect_refused(Prefer("absent", kCommunity, nullptr, "operator"), grpc::StatusCode::NOT_FOUND,
                 "CONNECTION_NOT_FOUND");
  expect_refused(Prefer("ACME", kCommunity), grpc::StatusCode::INVALID_ARGUMENT,
                 "CONNECTION_NAME_INVALID");
  EXPECT_EQ(Acme().SerializeAsString(), before.SerializeAsString());
}

TEST_F(PreferAudienceTest, TheSettingsAreForWhoMayViewThem) {
  v1::Connection only_name;
  only_name.set_name("acme");
  v1::Connection answer;
  ASSERT_TRUE(Prefer("acme", kCommunity, &answer).ok());
  EXPECT_EQ(answer.SerializeAsString(), only_name.SerializeAsString());
  // What is first already is no way to see them either.
  ASSERT_TRUE(Prefer("acme", kCommunity, &answer).ok());
  EXPECT_EQ(answer.SerializeAsString(), only_name.SerializeAsString());

  Stop();
  signer_.Write("policy.yaml", testing::kDefaultPolicy);
  Start();
  ASSERT_TRUE(Prefer("acme", kAudience, &answer).ok());
  EXPECT_EQ(answer.SerializeAsString(), Acme().SerializeAsString());
  EXPECT_THAT(answer.audiences(), ElementsAre(kAudience, kCommunity));
}

TEST_F(PreferAudienceTest, ViewingIsNotEnough) {
  Stop();
  signer_.Write("policy.yaml",
                testing::Replaced(testing::kDefaultPolicy, "[sign, view]", "[view]"));
  Start();
  EXPECT_EQ(Prefer("acme", kCommunity).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(Acme().audiences(), ElementsAre(kAudience, kCommunity));
}

}  // namespace
}  // namespace keyward::e2e
