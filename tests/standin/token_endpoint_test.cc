// The token endpoint of the real binary, over real HTTPS: what it grants, to whom,
// and what it writes down.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/standin/token_endpoint_fixture.h"

namespace keyward::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(TokenEndpointTest, GrantsWhatIsRight) {
  const httplib::Result result = PostAssertion(*client_, Assertion(Claims()));
  ASSERT_EQ(Summary(result), "200");
  const json body = json::parse(result->body);
  EXPECT_EQ(body.size(), 6U) << "and no expires_in";
  EXPECT_THAT(body["access_token"].get<std::string>(),
              MatchesRegex("00D[A-Za-z0-9]{12}![A-Za-z0-9._]{96}"));
  EXPECT_EQ(body["scope"], "api refresh_token");
  EXPECT_EQ(body["instance_url"], standin_->origin());
  EXPECT_THAT(
      body["id"].get<std::string>(),
      MatchesRegex(absl::StrCat(standin_->origin(), "/id/00D[A-Za-z0-9]{15}/005[A-Za-z0-9]{15}")));
  EXPECT_EQ(body["token_type"], "Bearer");
  EXPECT_THAT(body["issued_at"].get<std::string>(), MatchesRegex("[0-9]{13}"));
}

TEST_F(TokenEndpointTest, ToleratesWhatSalesforceTolerates) {
  for (const std::string& audience :
       {std::string("https://login.salesforce.com/"), std::string("https://test.salesforce.com"),
        standin_->origin(), standin_->origin() + "/"}) {
    EXPECT_EQ(Try(ClaimsWith("aud", audience)), "200") << audience;
  }
  EXPECT_EQ(Try(ClaimsWith("exp", absl::ToUnixMillis(absl::Now()))), "200");
  EXPECT_EQ(Try(ClaimsWith("exp", uint64_t{1} << 63)), "200");
  EXPECT_EQ(Try(ClaimsWith("iat", 5)), "200");
  EXPECT_EQ(
      Post(SignJwt(R"({"typ":"JWT","alg":"RS256","kid":"1"})", Claims().dump(), key_.key.get())),
      "200");
  EXPECT_EQ(PostBody(GoodBody(), "Application/X-WWW-Form-Urlencoded; charset=UTF-8"), "200");
}

TEST_F(TokenEndpointTest, TheAddressIsTheOneThatTheClientUsed) {
  httplib::SSLClient client("localhost", standin_->port());
  client.set_ca_cert_path(standin_->ca_file());
  const std::string origin = absl::StrCat("https://localhost:", standin_->port());
  const httplib::Result result = PostAssertion(client, Assertion(ClaimsWith("aud", origin)));
  ASSERT_EQ(Summary(result), "200");
  EXPECT_EQ(json::parse(result->body)["instance_url"], origin);
  EXPECT_EQ(Try(ClaimsWith("aud", origin)), kAudienceInvalid);

  const httplib::Result odd = client_->Post(kPath, {{"Host", "a\"b/../c"}}, GoodBody(), kForm);
  ASSERT_EQ(Summary(odd), "200");
  EXPECT_EQ(json::parse(odd->body)["instance_url"], standin_->origin());
}

TEST_F(TokenEndpointTest, TheCertificateCanBeAbsentReplacedAndCleared) {
  const std::string fresh = standin_->CreateApp({{"name", "fresh"}, {"users", {kUser}}});
  EXPECT_EQ(Try(ClaimsWith("iss", fresh)), kInvalidAssertion);
  EXPECT_EQ(Try(Claims()), "200");
  const TestKey next = NewRsaKey();
  ASSERT_EQ(standin_->UploadCertificate(consumer_key_, next.certificate_der), 204);
  EXPECT_EQ(Try(Claims()), kInvalidAssertion);
  EXPECT_EQ(Post(SignJwt(kHeader, Claims().dump(), next.key.get())), "200");
  const std::string path = "/apps/" + consumer_key_ + "/certificate";
  EXPECT_EQ(standin_->AdminClient().Delete(path)->status, 204);
  EXPECT_EQ(Post(SignJwt(kHeader, Claims().dump(), next.key.get())), kInvalidAssertion);
}

TEST_F(TokenEndpointTest, RefusesUsersAsTheAppAndTheOrgSay) {
  standin_->CreateApp({{"name", "other"}, {"users", {"other@example.com"}}});
  EXPECT_EQ(Try(ClaimsWith("sub", "other@example.com")), kNotApproved);

  const std::string strict =
      standin_->CreateApp({{"name", "strict"}, {"users", {kUser}}, {"admin_approved", true}});
  ASSERT_EQ(standin_->UploadCertificate(strict, key_.certificate_pem), 204);
  json claims = ClaimsWith("iss", strict);
  EXPECT_EQ(Try(claims), "200");
  claims["sub"] = "other@example.com";
  EXPECT_EQ(Try(claims), "400 invalid_app_access: user is not admin approved to access this app");

  httplib::Client admin = standin_->AdminClient();
  EXPECT_EQ(admin.Put("/users/user@example.com", R"({"active":false})", "application/json")->status,
            204);
  EXPECT_EQ(Try(Claims()), "400 invalid_grant: inactive user");
  EXPECT_EQ(admin.Put("/users/user@example.com", R"({"active":true})", "application/json")->status,
            204);
  EXPECT_EQ(Try(Claims()), "200");
  EXPECT_EQ(admin.Put("/apps/" + consumer_key_ + "/users", "[]", "application/json")->status, 204);
  EXPECT_EQ(Try(Claims()), kNotApproved);

  const std::string scopeless =
      standin_->CreateApp({{"name", "scopeless"}, {"users", {kUser}}, {"scopes", json::array()}});
  ASSERT_EQ(standin_->UploadCertificate(scopeless, key_.certificate_pem), 204);
  EXPECT_EQ(Try(ClaimsWith("iss", scopeless)), "400 invalid_grant: no valid scopes defined");
}

// The order of the checks: what is wrong first is what is told.

TEST_F(TokenEndpointTest, TheJournalTellsWhatHappenedAndNothingSecret) {
  const std::string assertion = Assertion(Claims());
  const httplib::Result granted = PostAssertion(*client_, assertion);
  const std::string token = json::parse(granted->body)["access_token"];
  EXPECT_EQ(Try(ClaimsWith("sub", "nobody@example.com")), kNotApproved);
  EXPECT_EQ(Post("x"), kInvalidAssertion);
  const json journal = Admin("/journal");
  ASSERT_EQ(journal.size(), 3U);
  EXPECT_THAT(journal[0]["time"].get<std::string>(), StartsWith("20"));
  EXPECT_EQ(journal[0]["method"], "POST");
  EXPECT_EQ(journal[0]["endpoint"], kPath);
  EXPECT_EQ(journal[0]["iss"], consumer_key_);
  EXPECT_EQ(journal[0]["sub"], kUser);
  EXPECT_EQ(journal[0]["status"], 200);
  EXPECT_EQ(journal[0]["error"], "");
  EXPECT_EQ(journal[1]["status"], 400);
  EXPECT_EQ(journal[1]["sub"], "nobody@example.com");
  EXPECT_EQ(journal[1]["error"], "invalid_grant");
  EXPECT_EQ(journal[1]["description"], "user hasn't approved this consumer");
  EXPECT_EQ(journal[2]["iss"], "");
  const std::vector<std::string> parts = absl::StrSplit(assertion, '.');
  for (const std::string& text : {journal.dump(), standin_->daemon().Output()}) {
    EXPECT_THAT(text, Not(HasSubstr(token)));
    EXPECT_THAT(text, Not(HasSubstr(parts[1])));
    EXPECT_THAT(text, Not(HasSubstr(parts[2])));
  }
}

TEST_F(TokenEndpointTest, ServesManyAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 10;
  std::vector<std::set<std::string>> tokens(kThreads);
  std::vector<std::thread> threads;
  for (std::set<std::string>& own : tokens) {
    threads.emplace_back([&] {
      const std::unique_ptr<httplib::SSLClient> client = standin_->Client();
      for (int i = 0; i < kRounds; ++i) {
        const httplib::Result result = PostAssertion(*client, Assertion(Claims()));
        ASSERT_EQ(Summary(result), "200");
        own.insert(json::parse(result->body)["access_token"]);
        EXPECT_EQ(standin_->UploadCertificate(consumer_key_, key_.certificate_der), 204);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (std::set<std::string>& own : tokens) all.merge(own);
  EXPECT_EQ(all.size(), size_t{kThreads * kRounds});
  EXPECT_EQ(Admin("/journal").size(), size_t{kThreads * kRounds});
}

class ConfiguredAudienceTest : public TokenEndpointTest {
 protected:
  ConfiguredAudienceTest()
      : TokenEndpointTest({"--audience", "https://acme.my.salesforce.com", "--audience",
                           "https://site.example/"}) {}
};

TEST_F(ConfiguredAudienceTest, ReplacesTheUsualOnes) {
  EXPECT_EQ(Try(ClaimsWith("aud", "https://acme.my.salesforce.com")), "200");
  EXPECT_EQ(Try(ClaimsWith("aud", "https://site.example")), "200");
  EXPECT_EQ(Try(ClaimsWith("aud", "https://login.salesforce.com")), kAudienceInvalid);
  EXPECT_EQ(Try(ClaimsWith("aud", standin_->origin())), kAudienceInvalid);
}

}  // namespace
}  // namespace keyward::testing
