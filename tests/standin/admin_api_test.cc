// The administration of the real binary.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/standin/testing/standin_process.h"

namespace keyward::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class AdminApiTest : public ::testing::Test {
 protected:
  // "status REASON" of an error, "status" alone otherwise.
  static std::string Summary(const httplib::Result& result) {
    if (!result) return httplib::to_string(result.error());
    if (result->status < 400) return absl::StrCat(result->status);
    EXPECT_EQ(result->get_header_value("Content-Type"), "application/json;charset=UTF-8");
    const json body = json::parse(result->body);
    EXPECT_FALSE(body["message"].get<std::string>().empty());
    return absl::StrCat(result->status, " ", body["error"].get<std::string>());
  }
  std::string Post(const std::string& body) {
    return Summary(admin_.Post("/apps", body, "application/json"));
  }
  std::string Put(const std::string& path, const std::string& body,
                  const char* type = "application/json") {
    return Summary(admin_.Put(path, body, type));
  }
  std::string Upload(const std::string& certificate) {
    return Put("/apps/" + app_ + "/certificate", certificate, "application/octet-stream");
  }

  const std::unique_ptr<StandinProcess> standin_ = StandinProcess::Start();
  httplib::Client admin_ = standin_->AdminClient();
  const std::string app_ = standin_->CreateApp({{"name", "acme"}, {"users", {"u@example.com"}}});
};

TEST_F(AdminApiTest, ListsAppsWithTheirCertificates) {
  EXPECT_THAT(app_, MatchesRegex("3MVG9[A-Za-z0-9._]{80}"));
  json expected = {{"consumer_key", app_},       {"name", "acme"},
                   {"users", {"u@example.com"}}, {"scopes", {"api", "refresh_token"}},
                   {"admin_approved", false},    {"certificate", nullptr}};
  EXPECT_EQ(json::parse(admin_.Get("/apps")->body), json::array({expected}));
  const TestKey key = NewRsaKey();
  EXPECT_EQ(Upload(key.certificate_der), "204");
  expected["certificate"] = key.certificate_pem;
  EXPECT_EQ(json::parse(admin_.Get("/apps")->body), json::array({expected}));
}

TEST_F(AdminApiTest, RefusesAppsThatAreNone) {
  for (const std::string& bad : std::vector<std::string>{
           "", "{", "[]", "\"acme\"", "{}", R"({"name":""})", R"({"name":5})",
           json({{"name", std::string(81, 'a')}}).dump(), R"({"name":"a","users":"u"})",
           R"({"name":"a","users":[1]})", R"({"name":"a","users":[""]})",
           R"({"name":"a","scopes":{}})", R"({"name":"a","admin_approved":1})",
           R"({"name":"a","secret":"x"})", "{\"name\":\"\xFF\"}",
           json({{"name", "a"}, {"users", std::vector<std::string>(1001, "u")}}).dump()}) {
    EXPECT_EQ(Post(bad), "400 BAD_REQUEST") << bad;
  }
  EXPECT_EQ(json::parse(admin_.Get("/apps")->body).size(), 1U);
  EXPECT_EQ(Post(json({{"name", std::string(80, 'a')}}).dump()), "201");
}

TEST_F(AdminApiTest, RefusesUsersThatAreNone) {
  const std::string users = "/apps/" + app_ + "/users";
  EXPECT_EQ(Put(users, R"(["new@example.com"])"), "204");
  EXPECT_EQ(Put(users, "{}"), "400 BAD_REQUEST");
  EXPECT_EQ(Put("/apps/none/users", "[]"), "404 APP_NOT_FOUND");
  EXPECT_EQ(Put("/users/new@example.com", R"({"active":false})"), "204");
  EXPECT_EQ(Put("/users/new@example.com", R"({"active":"no"})"), "400 BAD_REQUEST");
  EXPECT_EQ(Put("/users/new@example.com", R"({"active":true,"x":1})"), "400 BAD_REQUEST");
  EXPECT_EQ(Put("/users/new@example.com", "x"), "400 BAD_REQUEST");
  EXPECT_EQ(Put("/users/none@example.com", R"({"active":true})"), "404 USER_NOT_FOUND");
}

TEST_F(AdminApiTest, RefusesUploadsThatAreNoSuitableCertificate) {
  const TestKey key = NewRsaKey();
  EXPECT_EQ(Upload(""), "400 CERTIFICATE_MALFORMED");
  EXPECT_EQ(Upload("certificate"), "400 CERTIFICATE_MALFORMED");
  EXPECT_EQ(Upload("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "400 CERTIFICATE_MALFORMED");
  EXPECT_EQ(Upload(key.certificate_der.substr(1)), "400 CERTIFICATE_MALFORMED");
  EXPECT_EQ(Upload(key.certificate_der + "x"), "400 CERTIFICATE_MALFORMED");
  EXPECT_EQ(Upload(key.certificate_pem + key.certificate_pem), "400 CERTIFICATE_MALFORMED");
  EXPECT_EQ(Upload(NewEcKey().certificate_pem), "400 CERTIFICATE_KEY_UNSUITABLE");
  EXPECT_EQ(Upload(NewRsaKey(1024).certificate_pem), "400 CERTIFICATE_KEY_UNSUITABLE");
  EXPECT_EQ(Put("/apps/none/certificate", key.certificate_pem), "404 APP_NOT_FOUND");
  EXPECT_EQ(Summary(admin_.Delete("/apps/none/certificate")), "404 APP_NOT_FOUND");
  EXPECT_EQ(json::parse(admin_.Get("/apps")->body)[0]["certificate"], nullptr);

  const httplib::Result private_key =
      admin_.Put("/apps/" + app_ + "/certificate", key.key_pem, "application/octet-stream");
  EXPECT_EQ(Summary(private_key), "400 CERTIFICATE_MALFORMED");
  EXPECT_THAT(private_key->body, HasSubstr("private key"));
  EXPECT_THAT(private_key->body, Not(HasSubstr("BEGIN")));
}

TEST_F(AdminApiTest, ACertificateHasAtMost4096Bytes) {
  // DER's own overhead depends on the size, so the comment is fitted to what
  // comes out.
  size_t comment = 3000;
  TestKey key = NewRsaKey(2048, std::string(comment, 'x'));
  ASSERT_LT(key.certificate_der.size(), 4096U);
  comment += 4096 - key.certificate_der.size();
  key = NewRsaKey(2048, std::string(comment, 'x'));
  ASSERT_EQ(key.certificate_der.size(), 4096U);
  EXPECT_EQ(Upload(key.certificate_der), "204");
  EXPECT_EQ(Upload(key.certificate_der + "x"), "400 CERTIFICATE_TOO_LARGE");
  EXPECT_EQ(Upload(key.certificate_pem), "400 CERTIFICATE_TOO_LARGE");
}

TEST_F(AdminApiTest, UploadsMayComeAsCurlSendsThem) {
  EXPECT_EQ(Put("/apps/" + app_ + "/certificate", NewRsaKey().certificate_der,
                "application/x-www-form-urlencoded"),
            "204");
}

TEST_F(AdminApiTest, AnswersTheUnknownAndTheTooLargeInJson) {
  const httplib::Result unknown = admin_.Get("/nothing");
  EXPECT_EQ(unknown->status, 404);
  EXPECT_TRUE(json::accept(unknown->body));
  const httplib::Result large =
      admin_.Post("/apps", std::string((size_t{64} << 10) + 1, ' '), "application/json");
  ASSERT_TRUE(large);
  EXPECT_EQ(large->status, 413);
  EXPECT_TRUE(json::accept(large->body));
}

TEST_F(AdminApiTest, TheTwoPortsServeDifferentThings) {
  EXPECT_EQ(standin_->Client()->Get("/apps")->status, 404);
  EXPECT_EQ(standin_->Client()->Get("/journal")->status, 404);
  EXPECT_EQ(admin_.Get("/services/data")->status, 404);
  EXPECT_EQ(admin_.Post("/services/oauth2/token")->status, 404);
}

}  // namespace
}  // namespace keyward::testing
