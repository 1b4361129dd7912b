// Administration through the API: what callers see, and what a change does to
// the signing path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <keyward/v1/connections.grpc.pb.h>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "tests/e2e/raw_calls.h"
#include "tests/e2e/signer_fixture.h"

namespace keyward::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AdministrationTest : public SignerTest {
 protected:
  std::unique_ptr<v1::Connections::Stub> Stub(const std::string& name) const {
    return v1::Connections::NewStub(Connect(signer_, signer_.File("pki/" + name + ".pem"),
                                            signer_.File("pki/" + name + ".key")));
  }

  // The last record of that method; null where there is none.
  nlohmann::json RecordOf(const std::string& method) const {
    nlohmann::json last;
    for (const nlohmann::json& record : Audit()) {
      if (record.value("method", "") == method) last = record;
    }
    return last;
  }

  static v1::ListConnectionsResponse List(v1::Connections::Stub& stub, int page_size,
                                          const std::string& token, grpc::Status* status) {
    grpc::ClientContext context;
    v1::ListConnectionsRequest request;
    request.set_page_size(page_size);
    request.set_page_token(token);
    v1::ListConnectionsResponse response;
    *status = stub.ListConnections(&context, request, &response);
    return response;
  }
};

TEST_F(AdministrationTest, AListComesInPagesAndShowsOnlyWhatTheCallerMayView) {
  signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, R"(
  - name: european-auditors
    identities: ["spiffe://keyward.example/backend"]
    connections: ["eu-*"]
    operations: [view]
)"));
  Start();
  for (const char* name : {"eu-1", "hidden", "eu-2", "eu-3", "zz-hidden"}) CreateConnection(name);
  const auto stub = Stub("backend");
  std::vector<std::string> names;
  std::string token;
  int pages = 0;
  do {
    grpc::Status status;
    const v1::ListConnectionsResponse page = List(*stub, 2, token, &status);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const auto& connection : page.connections()) names.push_back(connection.name());
    token = page.next_page_token();
    EXPECT_THAT(token, ::testing::Not(HasSubstr("aGlkZGVu"))) << "a hidden name in base64";
    ++pages;
  } while (!token.empty() && pages < 10);
  EXPECT_THAT(names, ElementsAre("eu-1", "eu-2", "eu-3"));
  EXPECT_EQ(pages, 2);
}

TEST_F(AdministrationTest, OddPagesAreRefused) {
  Start();
  const auto stub = Stub("operator");
  for (const auto& [size, token] :
       std::vector<std::pair<int, std::string>>{{-1, ""}, {501, ""}, {0, "%%%"}, {0, "Li4vLi4"}}) {
    grpc::Status status;
    List(*stub, size, token, &status);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << size << " " << token;
  }
}

TEST_F(AdministrationTest, AnUpdateNeedsTheEtagThatIsCurrent) {
  Start();
  CreateConnection();
  const auto client = Client();
  v1::Connection first = *client->GetConnection("acme");
  v1::Connection second = first;
  first.set_consumer_key("one");
  second.set_consumer_key("two");
  ASSERT_TRUE(client->UpdateConnection(first, {"consumer_key"}).ok());
  EXPECT_EQ(CodeAndReason(client->UpdateConnection(second, {"consumer_key"}).status()),
            "ABORTED ETAG_MISMATCH");
  EXPECT_EQ(client->GetConnection("acme")->consumer_key(), "one");
  second.clear_etag();
  EXPECT_EQ(CodeAndReason(client->UpdateConnection(second, {"consumer_key"}).status()),
            "INVALID_ARGUMENT ETAG_MISSING");
  EXPECT_EQ(CodeAndReason(client->DeleteConnection("acme", "stale").status()),
            "ABORTED ETAG_MISMATCH");
  EXPECT_EQ(CodeAndReason(client->DeleteConnection("acme", "").status()),
            "INVALID_ARGUMENT ETAG_MISSING");
}

TEST_F(AdministrationTest, AnUpdateReachesTheSigningPathAtOnce) {
  Start();
  CreateConnection();
  EXPECT_TRUE(Sign().ok());
  const auto client = Client();
  v1::Connection connection = *client->GetConnection("acme");
  connection.clear_subjects();
  connection.add_subjects("other@example.com");
  ASSERT_TRUE(client->UpdateConnection(connection, {"subjects"}).ok());
  EXPECT_EQ(CodeAndReason(Sign()), "PERMISSION_DENIED CLAIMS_SUB_NOT_ALLOWED");
}

TEST_F(AdministrationTest, OnlyFieldsThatCanBeSetAreSet) {
  Start();
  CreateConnection();
  const auto client = Client();
  const v1::Connection connection = *client->GetConnection("acme");
  EXPECT_EQ(CodeAndReason(client->UpdateConnection(connection, {"name"}).status()),
            "INVALID_ARGUMENT UPDATE_MASK_INVALID");
  EXPECT_EQ(CodeAndReason(client->UpdateConnection(connection, {}).status()),
            "INVALID_ARGUMENT UPDATE_MASK_INVALID");
}

TEST_F(AdministrationTest, AChangeOfEnvironmentTakesItsHostAndAudienceAlong) {
  Start();
  CreateConnection();
  const auto client = Client();
  v1::Connection connection = *client->GetConnection("acme");
  connection.set_environment(v1::SANDBOX);
  const auto updated = client->UpdateConnection(connection, {"environment"});
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->login_url(), "https://test.salesforce.com");
  EXPECT_THAT(updated->audiences(), ElementsAre("https://test.salesforce.com"));

  v1::Connection custom = *updated;
  custom.set_environment(v1::CUSTOM);
  custom.set_login_url("https://acme.my.salesforce.com");
  custom.clear_audiences();
  custom.add_audiences("https://login.salesforce.com");
  const auto kept = client->UpdateConnection(custom, {"environment", "login_url", "audiences"});
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->login_url(), "https://acme.my.salesforce.com");
  EXPECT_THAT(kept->audiences(), ElementsAre("https://login.salesforce.com"));
}

TEST_F(AdministrationTest, SettingsThatMakeNoSenseMakeNoKey) {
  Start();
  const auto client = Client();
  v1::Connection connection;
  connection.set_name("acme");
  connection.set_environment(v1::CUSTOM);
  connection.set_login_url("http://plain.example");
  EXPECT_EQ(CodeAndReason(client->CreateConnection(connection).status()),
            "INVALID_ARGUMENT LOGIN_URL_INVALID");
  connection.set_environment(static_cast<v1::Environment>(77));
  EXPECT_EQ(CodeAndReason(client->CreateConnection(connection).status()),
            "INVALID_ARGUMENT ENVIRONMENT_INVALID");
  EXPECT_EQ(CodeAndReason(client->GetConnection("acme").status()),
            "NOT_FOUND CONNECTION_NOT_FOUND");
}

TEST_F(AdministrationTest, AViewerMayNotChangeAnything) {
  Start();
  CreateConnection();
  const auto backend = Client("backend");
  const auto connection = backend->GetConnection("acme");
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(CodeAndReason(backend->UpdateConnection(*connection, {"include_kid"}).status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(backend->DeleteConnection("acme", connection->etag()).status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_EQ(CodeAndReason(backend->CreateConnection(*connection).status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_TRUE(Sign().ok());
}

TEST_F(AdministrationTest, CertificatesAreGivenByNumberOrTheActiveOne) {
  Start();
  CreateConnection();
  const auto client = Client();
  const auto active = client->GetCertificate("acme");
  ASSERT_TRUE(active.ok()) << active.status();
  EXPECT_EQ(active->key_version(), 1U);
  EXPECT_EQ(client->GetCertificate("acme", 1)->der(), active->der());
  EXPECT_EQ(CodeAndReason(client->GetCertificate("acme", 2).status()),
            "NOT_FOUND KEY_VERSION_NOT_FOUND");
  EXPECT_EQ(CodeAndReason(client->GetCertificate("absent").status()),
            "NOT_FOUND CONNECTION_NOT_FOUND");
}

TEST_F(AdministrationTest, EveryDecisionIsRecordedWithWhoAskedAndByWhichRole) {
  Start();
  CreateConnection();
  const auto backend = Client("backend");
  EXPECT_FALSE(backend->DeleteConnection("acme", "1").ok());
  EXPECT_TRUE(backend->ListConnections().ok());
  EXPECT_EQ(RecordOf("ListConnections").value("outcome", ""), "done");
  const nlohmann::json created = RecordOf("CreateConnection");
  EXPECT_EQ(created.value("outcome", ""), "done");
  EXPECT_EQ(created.value("role", ""), "operators");
  // A refusal's record is not waited for.
  ASSERT_TRUE(Eventually([&] { return RecordOf("DeleteConnection").is_object(); }));
  const nlohmann::json refused = RecordOf("DeleteConnection");
  EXPECT_EQ(refused.value("reason", ""), "NOT_ALLOWED");
  EXPECT_EQ(refused.value("identity", ""), "spiffe://keyward.example/backend");
}

TEST_F(AdministrationTest, AChangeIsRecordedWithWhatWasBeforeAndAfter) {
  Start();
  CreateConnection();
  const auto client = Client();
  EXPECT_EQ(RecordOf("CreateConnection")["after"]["consumer_key"], kConsumerKey);
  v1::Connection connection = *client->GetConnection("acme");
  connection.add_subjects("second@example.com");
  connection.set_include_kid(true);
  ASSERT_TRUE(client->UpdateConnection(connection, {"subjects", "include_kid"}).ok());
  const nlohmann::json updated = RecordOf("UpdateConnection");
  EXPECT_EQ(updated["before"], (nlohmann::json{{"subjects", {kSubject}}, {"include_kid", false}}));
  EXPECT_EQ(updated["after"], (nlohmann::json{{"subjects", {kSubject, "second@example.com"}},
                                              {"include_kid", true}}));
  ASSERT_TRUE(client->RenewCertificate("acme", std::nullopt, 30).ok());
  const nlohmann::json renewed = RecordOf("RenewCertificate");
  EXPECT_NE(renewed["before"]["certificate_sha256"], renewed["after"]["certificate_sha256"]);
  EXPECT_EQ(renewed["after"]["certificate_sha256"], renewed["certificate_sha256"]);
  ASSERT_TRUE(client->DeleteConnection("acme", client->GetConnection("acme")->etag()).ok());
  const nlohmann::json deleted = RecordOf("DeleteConnection");
  EXPECT_EQ(deleted["before"]["subjects"].size(), 2U);
  EXPECT_FALSE(deleted.contains("after"));
}

TEST_F(AdministrationTest, DeletingNeedsToDestroyBesidesManaging) {
  signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, R"(
  - {name: managers, identities: ["spiffe://keyward.example/backend"], connections: ["*"], operations: [manage-connections]}
)"));
  Start();
  CreateConnection();
  EXPECT_EQ(CodeAndReason(Client("backend")->DeleteConnection("acme", "1").status()),
            "PERMISSION_DENIED NOT_ALLOWED");
  EXPECT_TRUE(Sign().ok());
}

TEST_F(AdministrationTest, ACallerOverItsQuotaIsToldWhenToComeBack) {
  signer_.Write("policy.yaml", absl::StrCat(testing::kDefaultPolicy, R"(
quotas:
  - {name: slow, identities: ["spiffe://keyward.example/backend"], per_second: 0.01, burst: 2}
)"));
  Start();
  const auto backend = Client("backend");
  EXPECT_TRUE(backend->ListConnections().ok());
  EXPECT_TRUE(backend->ListConnections().ok());
  const absl::Status refused = backend->ListConnections().status();
  EXPECT_EQ(CodeAndReason(refused), "RESOURCE_EXHAUSTED QUOTA_EXCEEDED");
  EXPECT_TRUE(RetryDelayOf(refused).has_value());
  EXPECT_TRUE(Client()->ListConnections().ok()) << "the others go on";
}

}  // namespace
}  // namespace keyward::e2e
