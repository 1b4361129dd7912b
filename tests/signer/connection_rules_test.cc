#include "signer/connection_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace keyward::signer {
namespace {

using registry::ConnectionSettings;
using registry::Environment;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ConnectionSettings Custom(absl::string_view url) {
  ConnectionSettings settings;
  settings.environment = Environment::kCustom;
  settings.login_url = std::string(url);
  return settings;
}

void ExpectRefused(const ConnectionSettings& settings, absl::string_view reason,
                   absl::string_view field) {
  const absl::Status status = CompleteSettings(settings).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), reason);
  EXPECT_THAT(std::string(status.message()), StartsWith(absl::StrCat(field, ": ")));
}

TEST(ConnectionRulesTest, TheEnvironmentGivesUrlAndAudience) {
  ConnectionSettings settings;
  const auto production = CompleteSettings(settings);
  EXPECT_EQ(production->login_url, "https://login.salesforce.com");
  EXPECT_THAT(production->audiences, ElementsAre("https://login.salesforce.com"));
  EXPECT_TRUE(production->consumer_key.empty());

  settings.environment = Environment::kSandbox;
  const auto sandbox = CompleteSettings(settings);
  EXPECT_EQ(sandbox->login_url, "https://test.salesforce.com");
  EXPECT_THAT(sandbox->audiences, ElementsAre("https://test.salesforce.com"));
  // What was completed stays as it is.
  EXPECT_TRUE(CompleteSettings(*sandbox).ok());

  const auto custom = CompleteSettings(Custom("HTTPS://Acme.My.Salesforce.com:8443"));
  EXPECT_EQ(custom->login_url, "https://acme.my.salesforce.com:8443");
  EXPECT_THAT(custom->audiences, ElementsAre("https://acme.my.salesforce.com:8443"));
}

TEST(ConnectionRulesTest, KeepsWhatIsSet) {
  ConnectionSettings settings = Custom("https://acme.my.salesforce.com");
  settings.consumer_key = "3MVG9";
  settings.audiences = {"https://login.salesforce.com", "x"};
  settings.subjects = {"a@b", "J\xC3\xBCrgen M"};
  settings.include_kid = true;
  const auto complete = CompleteSettings(settings);
  ASSERT_TRUE(complete.ok()) << complete.status();
  EXPECT_EQ(complete->consumer_key, "3MVG9");
  EXPECT_EQ(complete->audiences, settings.audiences);
  EXPECT_EQ(complete->subjects, settings.subjects);
  EXPECT_TRUE(complete->include_kid);
}

TEST(ConnectionRulesTest, ProductionAndSandboxHaveNoOtherUrl) {
  ConnectionSettings settings;
  settings.login_url = "https://test.salesforce.com";
  ExpectRefused(settings, "LOGIN_URL_INVALID", "login_url");
  settings.environment = Environment::kSandbox;
  EXPECT_TRUE(CompleteSettings(settings).ok());
  settings.login_url = "https://login.salesforce.com";
  ExpectRefused(settings, "LOGIN_URL_INVALID", "login_url");
}

TEST(ConnectionRulesTest, ACustomUrlIsAnHttpsOrigin) {
  for (const char* url : {"https://a", "https://a.b-c.d", "https://127.0.0.1:8443", "https://a:1",
                          "https://a:65535", "https://[::1]", "https://[::1]:8443"}) {
    EXPECT_TRUE(CompleteSettings(Custom(url)).ok()) << url;
  }
  for (const std::string& url : std::vector<std::string>{"",
                                                         "https://",
                                                         "https:/a",
                                                         "http://a",
                                                         "a",
                                                         "//a",
                                                         "https://a/",
                                                         "https://a/b",
                                                         "https://a?b",
                                                         "https://a#b",
                                                         "https://u@a",
                                                         "https://u:p@a",
                                                         "https://a\\b",
                                                         "https://a ",
                                                         " https://a",
                                                         "https://a b",
                                                         "https://a:",
                                                         "https://a:0",
                                                         "https://a:01",
                                                         "https://a:65536",
                                                         "https://a:99999999999",
                                                         "https://a:x",
                                                         "https://a:1:2",
                                                         "https://:443",
                                                         "https://-a",
                                                         "https://a..b",
                                                         "https://a.",
                                                         "https://*.a",
                                                         "https://1.2.3",
                                                         "https://256.1.1.1",
                                                         "https://0x7f.1",
                                                         "https://::1",
                                                         "https://[::1",
                                                         "https://[::1]x",
                                                         "https://[]",
                                                         "https://[1.2.3.4]",
                                                         "https://[::1%25lo]",
                                                         "https://\xC3\xBC.example",
                                                         "https://a%2eb",
                                                         "https://a\n",
                                                         std::string("https://a\0", 10),
                                                         "https://" + std::string(254, 'a')}) {
    SCOPED_TRACE(url);
    ExpectRefused(Custom(url), "LOGIN_URL_INVALID", "login_url");
  }
}

TEST(ConnectionRulesTest, SaysWhatIsTooMuchInAUrl) {
  for (const char* url : {"https://a/", "https://a/b", "https://a?b", "https://u@a"}) {
    EXPECT_THAT(std::string(CompleteSettings(Custom(url)).status().message()),
                HasSubstr("without user, path, query or final slash"))
        << url;
  }
}

TEST(ConnectionRulesTest, ConsumerKeys) {
  ConnectionSettings settings;
  settings.consumer_key = std::string(512, '~');
  EXPECT_TRUE(CompleteSettings(settings).ok());
  for (const std::string& key : std::vector<std::string>{
           std::string(513, 'a'), "a b", " a", "a\n", "\x7f", "\xC3\xBC", std::string("\0", 1)}) {
    settings.consumer_key = key;
    ExpectRefused(settings, "CONSUMER_KEY_INVALID", "consumer_key");
  }
}

TEST(ConnectionRulesTest, Audiences) {
  ConnectionSettings settings;
  for (int i = 0; i < 8; ++i) settings.audiences.push_back(absl::StrCat("https://", i));
  EXPECT_TRUE(CompleteSettings(settings).ok());
  settings.audiences.push_back("https://8");
  ExpectRefused(settings, "AUDIENCES_INVALID", "audiences");
  settings.audiences = {"a", "b", "a"};
  ExpectRefused(settings, "AUDIENCES_INVALID", "audiences[2]");
  settings.audiences = {std::string(512, 'a')};
  EXPECT_TRUE(CompleteSettings(settings).ok());
  for (const std::string& audience :
       std::vector<std::string>{"", "a b", "a\n", "\xC3\xBC", std::string(513, 'a')}) {
    settings.audiences = {"a", audience};
    ExpectRefused(settings, "AUDIENCES_INVALID", "audiences[1]");
  }
}

TEST(ConnectionRulesTest, Subjects) {
  ConnectionSettings settings;
  for (int i = 0; i < 64; ++i) settings.subjects.push_back(absl::StrCat("user", i));
  EXPECT_TRUE(CompleteSettings(settings).ok());
  settings.subjects.push_back("user64");
  ExpectRefused(settings, "SUBJECTS_INVALID", "subjects");
  settings.subjects = {"a", "a"};
  ExpectRefused(settings, "SUBJECTS_INVALID", "subjects[1]");
  settings.subjects = {std::string(255, 'a'), "A", "a"};
  EXPECT_TRUE(CompleteSettings(settings).ok());
  for (const std::string& subject :
       std::vector<std::string>{"", " a", "a ", "a\nb", "a\x7f", "\xC2\x85", "\xFF", "\xED\xA0\x80",
                                std::string("a\0b", 3), std::string(256, 'a')}) {
    settings.subjects = {"x", subject};
    ExpectRefused(settings, "SUBJECTS_INVALID", "subjects[1]");
  }
}

TEST(ConnectionRulesTest, SubjectPatterns) {
  ConnectionSettings settings;
  for (size_t i = 0; i < 16; ++i) {
    settings.subject_patterns.push_back("i" + std::to_string(i) + "-*@acme.example");
  }
  EXPECT_TRUE(CompleteSettings(settings).ok());
  settings.subject_patterns.emplace_back("*@acme.example");
  ExpectRefused(settings, "SUBJECT_PATTERNS_INVALID", "subject_patterns");
  settings.subject_patterns = {"*@acme.example", "*@acme.example"};
  ExpectRefused(settings, "SUBJECT_PATTERNS_INVALID", "subject_patterns[1]");
  for (const char* pattern : {"", "*", "user@acme.example", "*@*.example", "*@", "*.example"}) {
    SCOPED_TRACE(pattern);
    settings.subject_patterns = {pattern};
    ExpectRefused(settings, "SUBJECT_PATTERNS_INVALID", "subject_patterns[0]");
  }
}

TEST(ConnectionRulesTest, Comments) {
  EXPECT_TRUE(CheckComment("").ok());
  EXPECT_TRUE(CheckComment(std::string(256, 'x')).ok());
  EXPECT_TRUE(CheckComment("gr\xC3\xBC\xC3\x9F").ok());
  for (const std::string& comment :
       {std::string(257, 'x'), std::string("a\nb"), std::string("\xFF"), std::string("a\0b", 3)}) {
    EXPECT_EQ(ReasonOf(CheckComment(comment)), "COMMENT_INVALID");
  }
}

}  // namespace
}  // namespace keyward::signer
