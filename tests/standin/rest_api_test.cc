// The REST endpoints of the real binary, over real HTTPS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/standin/testing/standin_process.h"

namespace keyward::testing {
namespace {

using nlohmann::json;

constexpr char kUser[] = "user@example.com";

class RestApiTest : public ::testing::Test {
 protected:
  RestApiTest() : standin_(StandinProcess::Start({"--session-seconds", "3600"})) {
    const TestKey key = NewRsaKey();
    consumer_key_ =
        standin_->CreateApp({{"name", "acme"}, {"users", {kUser, "other@example.com"}}});
    EXPECT_EQ(standin_->UploadCertificate(consumer_key_, key.certificate_pem), 204);
    login_ = LogIn(key, kUser);
    other_login_ = LogIn(key, "other@example.com");
    token_ = login_["access_token"];
  }

  json LogIn(const TestKey& key, const std::string& user) const {
    const json claims = {{"iss", consumer_key_},
                         {"sub", user},
                         {"aud", standin_->origin()},
                         {"exp", absl::ToUnixSeconds(absl::Now()) + 180}};
    const std::string assertion = SignJwt(R"({"alg":"RS256"})", claims.dump(), key.key.get());
    return json::parse(PostAssertion(*standin_->Client(), assertion)->body);
  }

  // The answer's body with its status, or 0 when it is not JSON.
  std::pair<int, json> GetAs(const std::string& authorization, const std::string& path) const {
    httplib::Headers headers;
    if (!authorization.empty()) headers.emplace("Authorization", authorization);
    const httplib::Result result = client_->Get(path, headers);
    if (!result) return {-1, {}};
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/json;charset=UTF-8");
    return {result->status, json::parse(result->body, nullptr, false)};
  }
  std::pair<int, json> Get(const std::string& path) const {
    return GetAs("Bearer " + token_, path);
  }
  std::pair<int, json> Query(const std::string& q, const std::string& more = "") const {
    std::string encoded;
    for (const char c : q) absl::StrAppend(&encoded, "%", absl::Hex(c, absl::kZeroPad2));
    return Get("/services/data/v51.0/query?q=" + encoded + more);
  }

  const std::unique_ptr<StandinProcess> standin_;
  const std::unique_ptr<httplib::SSLClient> client_ = standin_->Client();
  std::string consumer_key_;
  json login_;
  json other_login_;
  std::string token_;
};

const json kInvalidSession =
    json::array({{{"errorCode", "INVALID_SESSION_ID"}, {"message", "Session expired or invalid"}}});

TEST_F(RestApiTest, EveryResourceNeedsALiveToken) {
  const std::string id_path = login_["id"].get<std::string>().substr(standin_->origin().size());
  for (const std::string& path : {std::string("/services/data"), std::string("/services/data/"),
                                  std::string("/services/data/v60.0"),
                                  std::string("/services/data/v60.0/query?q=x"), id_path}) {
    SCOPED_TRACE(path);
    EXPECT_NE(Get(path).first, 401);
    for (const std::string& bad :
         {std::string(), std::string("Bearer"), std::string("Bearer "), "Basic " + token_, token_,
          "Bearer " + token_ + "x", "Bearer " + token_.substr(0, token_.size() - 1)}) {
      const auto [status, body] = GetAs(bad, path);
      if (bad.empty() && path.size() <= std::string("/services/data/").size()) {
        EXPECT_EQ(status, 200) << "the versions are for anyone";
        continue;
      }
      EXPECT_EQ(status, 401) << bad;
      EXPECT_EQ(body, kInvalidSession) << bad;
    }
  }
}

TEST_F(RestApiTest, ListsVersionsAndResources) {
  const auto [status, versions] = Get("/services/data");
  EXPECT_EQ(status, 200);
  ASSERT_FALSE(versions.empty());
  EXPECT_EQ(versions[0],
            json({{"label", "Winter '21"}, {"url", "/services/data/v50.0"}, {"version", "50.0"}}));
  EXPECT_EQ(versions.back()["label"], "Spring '26");
  for (const json& version : versions) {
    EXPECT_EQ(Get(version["url"]).first, 200) << version;
  }
  EXPECT_EQ(Get("/services/data/v51.0").second["query"], "/services/data/v51.0/query");
  for (const char* unknown :
       {"/services/data/v49.0", "/services/data/v99.0", "/services/data/v60.1",
        "/services/data/v99.0/query?q=x", "/services/data/v60.0/nothing", "/services", "/"}) {
    const auto [unknown_status, body] = Get(unknown);
    EXPECT_EQ(unknown_status, 404) << unknown;
    EXPECT_EQ(body[0]["errorCode"], "NOT_FOUND") << unknown;
  }
}

TEST_F(RestApiTest, IdentityLeadsToTheUser) {
  const std::string identity = Get("/services/data/v60.0").second["identity"];
  EXPECT_EQ(identity, login_["id"]);
  const auto [status, who] = Get(identity.substr(standin_->origin().size()));
  EXPECT_EQ(status, 200);
  EXPECT_EQ(who["id"], identity);
  EXPECT_EQ(who["username"], kUser);
  EXPECT_EQ(absl::StrCat(standin_->origin(), "/id/", who["organization_id"].get<std::string>(), "/",
                         who["user_id"].get<std::string>()),
            identity);
  const std::string other = other_login_["id"];
  EXPECT_EQ(Get(other.substr(standin_->origin().size())).first, 403);
}

// As instance URLs with a slash at their end make them.
TEST_F(RestApiTest, ASecondSlashIsNoDifference) {
  EXPECT_EQ(Get("//services/data").first, 200);
  EXPECT_EQ(Get("//services/data/v60.0").first, 200);
  EXPECT_EQ(Get("///services/data/v60.0").first, 404);
}

TEST_F(RestApiTest, QueriesAnswerRecords) {
  const auto [status, organization] = Query("SELECT Id, Name, Odd__c FROM Organization LIMIT 1");
  EXPECT_EQ(status, 200);
  EXPECT_EQ(organization["totalSize"], 1);
  EXPECT_EQ(organization["done"], true);
  const json record = organization["records"][0];
  EXPECT_EQ(record["attributes"]["type"], "Organization");
  EXPECT_EQ(record["Id"].get<std::string>().substr(0, 15), token_.substr(0, 15));
  EXPECT_EQ(record["Name"], "Keyward Stand-in");
  EXPECT_TRUE(record.contains("Odd__c") && record["Odd__c"].is_null());
  EXPECT_FALSE(record.contains("IsSandbox"));

  const json user = Query("select Username\nfrom User").second;
  EXPECT_EQ(user["records"][0]["Username"], kUser);
  const json none = {{"totalSize", 0}, {"done", true}, {"records", json::array()}};
  EXPECT_EQ(Query("SELECT Id FROM ScratchOrgInfo limit 1").second, none);
  EXPECT_EQ(Query("SELECT Id FROM Account").second, none);

  const json columns = Query("SELECT Id, Name FROM Organization", "&columns=true").second;
  ASSERT_EQ(columns["columnMetadata"].size(), 2U);
  EXPECT_EQ(columns["columnMetadata"][1]["columnName"], "Name");
}

TEST_F(RestApiTest, RefusesQueriesThatAreNone) {
  for (const char* bad : {"", "SELECT", "FROM", "SELECT FROM", "SELECT Id FROM", "SELECT FROM User",
                          "DELETE Id FROM User", "SELECT Id, FROM User", "SELECT Id Name FROM User",
                          "SELECT Id FROM User;", "SELECT Id;x FROM User"}) {
    const auto [status, body] = Query(bad);
    EXPECT_EQ(status, 400) << bad;
    EXPECT_EQ(body[0]["errorCode"], "MALFORMED_QUERY") << bad;
  }
  EXPECT_EQ(Get("/services/data/v51.0/query").first, 400);
}

TEST_F(RestApiTest, EndedSessionsAreInvalid) {
  httplib::Client admin = standin_->AdminClient();
  const json sessions = json::parse(admin.Get("/sessions")->body);
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions[0]["username"], kUser);
  EXPECT_EQ(sessions[0]["consumer_key"], consumer_key_);
  absl::Time expires;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, sessions[0]["expires"].get<std::string>(),
                              &expires, &error));
  EXPECT_GT(expires, absl::Now() + absl::Minutes(50));
  EXPECT_LE(expires, absl::Now() + absl::Minutes(60));
  ASSERT_EQ(Get("/services/data").first, 200);
  EXPECT_EQ(admin.Delete("/sessions")->status, 204);
  EXPECT_EQ(Get("/services/data"), std::make_pair(401, kInvalidSession));
}

TEST_F(RestApiTest, TheJournalNamesTheUser) {
  Query("SELECT Id FROM User");
  GetAs("Bearer wrong", "/services/data");
  const json journal = json::parse(standin_->AdminClient().Get("/journal")->body);
  ASSERT_EQ(journal.size(), 4U);  // after two logins
  EXPECT_EQ(journal[2]["endpoint"], "/services/data/vNN.0/query");
  EXPECT_EQ(journal[2]["sub"], kUser);
  EXPECT_EQ(journal[2]["status"], 200);
  EXPECT_EQ(journal[3]["status"], 401);
  EXPECT_EQ(journal[3]["error"], "INVALID_SESSION_ID");
  EXPECT_EQ(journal[3]["sub"], "");
}

}  // namespace
}  // namespace keyward::testing
