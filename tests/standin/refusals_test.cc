// Every row of the error table, by its real cause or by order, over real HTTPS.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/standin/token_endpoint_fixture.h"

namespace keyward::testing {
namespace {

using nlohmann::json;

class RefusalsTest : public TokenEndpointTest {
 protected:
  std::string Log() const { return Try(Claims()); }
  void Policy(const json& fields) const {
    standin_->Admin("PATCH", "/apps/" + consumer_key_, fields);
  }
  void User(const json& fields) const { standin_->Admin("PUT", "/users/user@example.com", fields); }
  static constexpr char kNotAdminApproved[] =
      "400 invalid_app_access: user is not admin approved to access this app";
};

TEST_F(RefusalsTest, EveryRowCanBeOrdered) {
  const json words = Admin("/refusals")["words"];
  ASSERT_EQ(words.size(), 15U);
  for (const json& row : words) {
    standin_->Refuse(row["word"]);
    EXPECT_EQ(Log(), absl::StrCat(row["status"].get<int>(), " ", row["error"].get<std::string>(),
                                  ": ", row["error_description"].get<std::string>()));
    EXPECT_EQ(Log(), "200") << "only once";
  }
}

TEST_F(RefusalsTest, AnOrderHasACountAndWhomItIsFor) {
  standin_->Refuse("retry", 2, {{"username", "other@example.com"}});
  EXPECT_EQ(Log(), "200");
  standin_->Refuse("retry", 2, {{"consumer_key", consumer_key_}, {"status", 500}});
  EXPECT_EQ(Log(), "500 unknown_error: retry your request");
  EXPECT_EQ(Log(), "500 unknown_error: retry your request");
  EXPECT_EQ(Log(), "200");
  standin_->Admin("POST", "/refusals",
                  {{"error", "new_error"}, {"error_description", "unheard of"}, {"count", 0}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Log(), "400 new_error: unheard of");
  ASSERT_EQ(Admin("/refusals")["ordered"].size(), 2U);
  standin_->Admin("DELETE", "/refusals");
  EXPECT_EQ(Log(), "200");
  EXPECT_EQ(standin_->Count(kTokenEndpoint, "ok"), 3);
  EXPECT_EQ(standin_->Count(kTokenEndpoint, "unknown_error"), 2);
  EXPECT_EQ(standin_->Count(kTokenEndpoint, "new_error: unheard of"), 3);
  EXPECT_EQ(standin_->Count(kTokenEndpoint), 8);
}

TEST_F(RefusalsTest, ProfilesAndPermissionSetsApprove) {
  Policy({{"admin_approved", true},
          {"users", json::array()},
          {"permission_sets", {"Keyward"}},
          {"profiles", {"Integration"}}});
  EXPECT_EQ(Log(), kNotAdminApproved);
  User({{"permission_sets", {"Other", "Keyward"}}});
  EXPECT_EQ(Log(), "200");
  User({{"permission_sets", {"Other"}}});
  EXPECT_EQ(Log(), kNotAdminApproved);
  User({{"profile", "Integration"}});
  EXPECT_EQ(Log(), "200");
  Policy({{"admin_approved", false}});
  EXPECT_EQ(Log(), kNotApproved) << "nobody is pre-authorized then";
}

TEST_F(RefusalsTest, FrozenUsersAndForeignAddresses) {
  User({{"frozen", true}});
  EXPECT_EQ(Log(), "400 invalid_grant: inactive user");
  User({{"frozen", false}, {"ip_ranges", {"10.0.0.0/8", "192.168.1.1-192.168.1.9"}}});
  EXPECT_EQ(Log(), "400 invalid_grant: ip restricted");
  Policy({{"relax_ip", true}});
  EXPECT_EQ(Log(), "200");
  Policy({{"relax_ip", false}});
  User({{"ip_ranges", {"10.0.0.0/8", "127.0.0.0/8"}}});
  EXPECT_EQ(Log(), "200");
}

TEST_F(RefusalsTest, LoginsAreCountedPerUserAndHour) {
  standin_->Admin("PUT", "/limits", {{"logins_per_hour", 2}});
  EXPECT_EQ(Log(), "200");
  EXPECT_EQ(Log(), "200");
  EXPECT_EQ(Log(), "400 invalid_grant: login rate exceeded");
  standin_->CreateApp({{"name", "other"}, {"users", {"other@example.com"}}});
  Policy({{"users", {kUser, "other@example.com"}}});
  EXPECT_EQ(Try(ClaimsWith("sub", "other@example.com")), "200");
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 3590}});
  json claims = Claims();
  claims["exp"] = absl::ToUnixSeconds(absl::Now()) + 3590 + 180;
  EXPECT_EQ(Try(claims), "400 invalid_grant: login rate exceeded");
  EXPECT_EQ(Admin("/limits")["logins"][kUser], 2);
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 20}});
  EXPECT_EQ(Try(claims), "200");
}

TEST_F(RefusalsTest, AnAppIsKnownAtItsOwnHostOnly) {
  Policy({{"login_hosts", {"acme.my.salesforce.com"}}});
  EXPECT_EQ(Log(), "400 app_not_found: External client app is not installed in this org");
  Policy({{"login_hosts", {"127.0.0.1"}}});
  EXPECT_EQ(Log(), "200");
}

TEST_F(RefusalsTest, AnAppHasAudiencesOfItsOwn) {
  Policy({{"audiences", {"https://acme.my.salesforce.com"}}});
  EXPECT_EQ(Log(), kAudienceInvalid);
  EXPECT_EQ(Try(ClaimsWith("aud", "https://acme.my.salesforce.com")), "200");
}

TEST_F(RefusalsTest, TheClockOfTheStandinDecidesWhatIsExpired) {
  standin_->Admin("PUT", "/clock", {{"offset_seconds", 400}});
  EXPECT_EQ(Log(), kExpired);
  const std::string date = client_->Get("/services/data")->get_header_value("Date");
  absl::Time shown;
  std::string error;
  ASSERT_TRUE(absl::ParseTime("%a, %d %b %Y %H:%M:%S GMT", date, &shown, &error)) << date;
  EXPECT_GT(shown, absl::Now() + absl::Seconds(390));
  standin_->Admin("PUT", "/clock", {{"offset_seconds", -400}});
  EXPECT_EQ(Log(), "200");
}

TEST_F(RefusalsTest, OrdersThatAreNoneAreRefused) {
  httplib::Client admin = standin_->AdminClient();
  for (const char* bad :
       {"", "{}", "[]", R"({"word":"none"})", R"({"word":"retry","count":-1})",
        R"({"word":"retry","status":200})", R"({"word":"retry","x":1})", R"({"error":5})"}) {
    EXPECT_EQ(admin.Post("/refusals", bad, "application/json")->status, 400) << bad;
  }
  for (const char* bad :
       {R"({"profile":1})", R"({"ip_ranges":["x"]})", R"({"id":"x"})",
        R"({"ip_ranges":["10.0.0.9-10.0.0.1"]})", R"({"ip_ranges":["1.1.1.1/33"]})"}) {
    EXPECT_EQ(admin.Put("/users/user@example.com", bad, "application/json")->status, 400) << bad;
  }
  for (const char* bad : {R"({"token_format":"x"})", R"({"session_seconds":86401})",
                          R"({"response_fields":["x"]})", R"({"name":""})"}) {
    EXPECT_EQ(admin.Patch("/apps/" + consumer_key_, bad, "application/json")->status, 400) << bad;
  }
  EXPECT_EQ(admin.Patch("/apps/none", "{}", "application/json")->status, 404);
}

TEST_F(RefusalsTest, UsersAndAppsComeAndGo) {
  const json fresh = standin_->Admin("POST", "/users",
                                     {{"username", "new@example.com"}, {"profile", "Integration"}});
  EXPECT_EQ(fresh["profile"], "Integration");
  httplib::Client admin = standin_->AdminClient();
  EXPECT_EQ(admin.Post("/users", R"({"username":"new@example.com"})", "application/json")->status,
            409);
  EXPECT_EQ(admin.Post("/users", R"({"profile":"x"})", "application/json")->status, 400);
  EXPECT_EQ(Admin("/users").size(), 2U);
  standin_->Admin("DELETE", "/apps/" + consumer_key_);
  EXPECT_EQ(Log(), kClientInvalid);
  EXPECT_EQ(Admin("/apps").size(), 0U);
}

}  // namespace
}  // namespace keyward::testing
