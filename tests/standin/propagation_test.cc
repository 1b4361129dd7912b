// Propagation over several simulated servers: the class with a clock of the test's
// own, and the real binary over real HTTPS.

#include "tests/standin/propagation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/standin/token_endpoint_fixture.h"

namespace keyward::testing {
namespace {

using nlohmann::json;
using standin::App;
using standin::Propagation;

class PropagationClassTest : public ::testing::Test {
 protected:
  static App Named(const std::string& name) {
    return {.settings = {.name = name}, .consumer_key = "key", .certificate = std::nullopt};
  }
  // What each of the servers knows, "-" for nothing.
  static std::string Known(const Propagation& propagation) {
    std::string known;
    for (int server = 0; server < propagation.options().servers; ++server) {
      const std::optional<App> app = propagation.Find("key", server);
      known += app.has_value() ? app->settings.name : "-";
    }
    return known;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  const std::function<absl::Time()> clock_ = [this] { return now_; };
};

TEST_F(PropagationClassTest, OneServerWithoutDelayKnowsAtOnce) {
  Propagation propagation({}, clock_);
  propagation.Record("key", "created", Named("a"));
  EXPECT_EQ(Known(propagation), "a");
  EXPECT_TRUE(propagation.OnTheirWay().empty());
  propagation.Record("key", "deleted", std::nullopt);
  EXPECT_EQ(Known(propagation), "-");
}

TEST_F(PropagationClassTest, EachServerHasItsTime) {
  Propagation propagation(
      {.servers = 3, .per_server = {absl::Seconds(0), absl::Seconds(10), absl::Seconds(20)}},
      clock_);
  propagation.Record("key", "created", Named("a"));
  EXPECT_EQ(Known(propagation), "a--");
  now_ += absl::Seconds(10);
  EXPECT_EQ(Known(propagation), "aa-");
  propagation.Record("key", "certificate", Named("b"));
  EXPECT_EQ(Known(propagation), "ba-");
  EXPECT_EQ(propagation.OnTheirWay().at("key").size(), 2U);
  now_ += absl::Seconds(10);
  EXPECT_EQ(Known(propagation), "bba");
  now_ += absl::Seconds(10);
  EXPECT_EQ(Known(propagation), "bbb");
  EXPECT_TRUE(propagation.OnTheirWay().empty());
}

TEST_F(PropagationClassTest, ALaterChangeThatArrivedFirstStays) {
  Propagation propagation({.servers = 1, .per_server = {absl::Seconds(20)}}, clock_);
  propagation.Record("key", "created", Named("a"));
  propagation.Configure({.servers = 1, .per_server = {absl::Seconds(5)}});
  propagation.Record("key", "policy", Named("b"));
  now_ += absl::Seconds(5);
  EXPECT_EQ(Known(propagation), "b");
  now_ += absl::Seconds(20);
  EXPECT_EQ(Known(propagation), "b");
}

TEST_F(PropagationClassTest, RandomTimesStayInTheWindowAndDiffer) {
  Propagation propagation(
      {.servers = 8, .shortest = absl::Seconds(120), .longest = absl::Seconds(600)}, clock_);
  propagation.Record("key", "created", Named("a"));
  now_ += absl::Seconds(119);
  EXPECT_EQ(Known(propagation), "--------");
  now_ += absl::Seconds(240);
  const std::string middle = Known(propagation);
  EXPECT_NE(middle, "--------");
  EXPECT_NE(middle, "aaaaaaaa");
  now_ += absl::Seconds(242);
  EXPECT_EQ(Known(propagation), "aaaaaaaa");
}

TEST_F(PropagationClassTest, RequestsAreRouted) {
  Propagation round({.servers = 3}, clock_);
  for (const int server : {0, 1, 2, 0}) EXPECT_EQ(round.NextServer(), server);
  round.Configure({.servers = 3, .pinned = 2});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(round.NextServer(), 2);
  Propagation first({.servers = 5, .random_routing = true, .seed = 7}, clock_);
  Propagation second({.servers = 5, .random_routing = true, .seed = 7}, clock_);
  std::set<int> seen;
  for (int i = 0; i < 100; ++i) {
    const int server = first.NextServer();
    EXPECT_EQ(server, second.NextServer());
    seen.insert(server);
  }
  EXPECT_EQ(seen.size(), 5U);
}

class PropagationTest : public TokenEndpointTest {
 protected:
  PropagationTest()
      : TokenEndpointTest({"--servers", "3", "--propagation-min-seconds", "0",
                           "--propagation-max-seconds", "0"}) {}
  // An exp that advancing the clock does not reach.
  std::string Far(const TestKey& key) const {
    return Post(SignJwt(kHeader,
                        ClaimsWith("exp", absl::ToUnixSeconds(absl::Now()) + 100'000).dump(),
                        key.key.get()));
  }
};

TEST_F(PropagationTest, ServersDisagreeAboutACertificateForAWhile) {
  const TestKey next = NewRsaKey();
  standin_->Admin("PUT", "/propagation", {{"server_seconds", {0, 100, 500}}});
  ASSERT_EQ(standin_->UploadCertificate(consumer_key_, next.certificate_pem), 204);
  EXPECT_EQ(Admin("/propagation")["settled"], false);
  // One request after the other lands on servers 0, 1, 2.
  for (const char* expected : {"200", kInvalidAssertion, kInvalidAssertion}) {
    EXPECT_EQ(Far(next), expected);
  }
  for (const char* expected : {kInvalidAssertion, "200", "200"}) EXPECT_EQ(Far(key_), expected);
  standin_->Admin("PUT", "/clock", {{"advance_seconds", 101}});
  for (const char* expected : {"200", "200", kInvalidAssertion}) EXPECT_EQ(Far(next), expected);
  EXPECT_EQ(standin_->Journal("server=2&outcome=ok").size(), 1U);
  standin_->Admin("POST", "/propagation/finish");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Far(next), "200");
  EXPECT_EQ(Admin("/propagation")["settled"], true);
}

TEST_F(PropagationTest, NewAppsAndPoliciesTakeTheirTime) {
  standin_->Admin("PUT", "/propagation",
                  {{"server_seconds", {0, 100}}, {"servers", 2}, {"pinned", 1}});
  const std::string fresh = standin_->CreateApp({{"name", "fresh"}, {"users", {kUser}}});
  ASSERT_EQ(standin_->UploadCertificate(fresh, key_.certificate_pem), 204);
  EXPECT_EQ(Try(ClaimsWith("iss", fresh)), kClientInvalid);
  standin_->Admin("PUT", "/propagation", {{"pinned", 0}});
  EXPECT_EQ(Try(ClaimsWith("iss", fresh)), "200");
  standin_->Admin("PATCH", "/apps/" + consumer_key_, {{"users", json::array()}});
  EXPECT_EQ(Try(Claims()), kNotApproved);
  standin_->Admin("PUT", "/propagation", {{"pinned", 1}});
  EXPECT_EQ(Try(Claims()), "200");
  const json known = Admin("/propagation")["apps"][fresh];
  EXPECT_EQ(known["servers"][0]["exists"], true);
  EXPECT_EQ(known["servers"][1]["exists"], false);
  EXPECT_EQ(known["on_their_way"].size(), 2U);
}

TEST_F(PropagationTest, SettingsThatAreNoneAreRefused) {
  httplib::Client admin = standin_->AdminClient();
  for (const char* bad : {"", "{\"servers\":0}", "{\"servers\":65}", R"({"pinned":3})",
                          R"({"min_seconds":5,"max_seconds":4})", R"({"routing":"x"})",
                          R"({"server_seconds":[-1]})", R"({"x":1})"}) {
    EXPECT_EQ(admin.Put("/propagation", bad, "application/json")->status, 400) << bad;
  }
}

}  // namespace
}  // namespace keyward::testing
