#include "client/https/login_hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "client/https/curl_handle.h"
#include "client/https/https_url.h"
#include "common/error.h"

namespace keyward::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::optional<std::string> ReasonFor(const LoginHosts& hosts, const std::string& url) {
  return ReasonOf(hosts.Check(url).status());
}

TEST(LoginHostsTest, SalesforcesOwnAreAllowedWithoutASetting) {
  const LoginHosts hosts;
  for (const std::string host :
       {"login.salesforce.com", "test.salesforce.com", "acme.my.salesforce.com",
        "acme--dev.sandbox.my.salesforce.com", "acme.my.salesforce.mil", "acme.my.site.com",
        "login.sfcrmproducts.cn", "acme.my.sfcrmproducts.cn"}) {
    const auto url = hosts.Check("https://" + host);
    ASSERT_TRUE(url.ok()) << url.status();
    EXPECT_EQ(url->origin, "https://" + host);
    EXPECT_EQ(url->host, host);
    EXPECT_EQ(url->port, 443);
    EXPECT_FALSE(url->may_be_private);
  }
}

TEST(LoginHostsTest, AllElseIsRefused) {
  const LoginHosts hosts;
  for (const std::string host :
       {"evil.example", "salesforce.com", "my.salesforce.com", "evilmy.salesforce.com",
        "acme.my.salesforce.com.evil.example", "login.salesforce.com.evil.example",
        "xlogin.salesforce.com", "a.login.salesforce.com", "localhost", "127.0.0.1", "10.0.0.1",
        "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:127.0.0.1]", "8.8.8.8",
        "metadata.google.internal"}) {
    const absl::Status status = hosts.Check("https://" + host).status();
    EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_NOT_ALLOWED") << host;
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("private_login_hosts"));
  }
}

TEST(LoginHostsTest, OnlyPort443OfAnAllowedHost) {
  const LoginHosts hosts;
  EXPECT_TRUE(hosts.Check("https://login.salesforce.com:443").ok());
  EXPECT_EQ(hosts.Check("https://login.salesforce.com:0443/")->origin,
            "https://login.salesforce.com");
  EXPECT_EQ(ReasonFor(hosts, "https://login.salesforce.com:8443"), "LOGIN_HOST_NOT_ALLOWED");
  EXPECT_EQ(ReasonFor(hosts, "https://login.salesforce.com:22"), "LOGIN_HOST_NOT_ALLOWED");
}

TEST(LoginHostsTest, CaseDoesNotCount) {
  const auto url = LoginHosts().Check("HTTPS://Acme.MY.Salesforce.COM/");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->origin, "https://acme.my.salesforce.com");
  const auto hosts = LoginHosts::New({.allowed = {"*.My.Example.COM"}, .private_hosts = {"Stand"}});
  EXPECT_TRUE(hosts->Check("https://a.my.example.com").ok());
  EXPECT_TRUE(hosts->Check("https://sTAND:1").ok());
}

struct BadUrl {
  std::string url;
  // A word of the reason.
  std::string word;
};

TEST(LoginHostsTest, WhatIsNotAPlainOriginIsRefusedAndNotShown) {
  const LoginHosts hosts =
      LoginHosts::New({.private_hosts = {"127.0.0.1", "::1", "localhost"}}).value();
  for (const BadUrl& bad : std::vector<BadUrl>{
           {"http://login.salesforce.com", "https://"},
           {"", "https://"},
           {"login.salesforce.com", "https://"},
           {"//login.salesforce.com", "https://"},
           {" https://login.salesforce.com", "https://"},
           {"https:login.salesforce.com", "https://"},
           {"https:/login.salesforce.com", "https://"},
           {"javascript:alert(1)", "https://"},
           {"file:///etc/passwd", "https://"},
           {"https://", "no host"},
           {"https:///x", "no host"},
           {"https://:443", "no host"},
           {"https://user@login.salesforce.com", "user"},
           {"https://user:s3cret@login.salesforce.com", "user"},
           {"https://login.salesforce.com@evil.example", "user"},
           {"https://evil.example#@login.salesforce.com", "fragment"},
           {"https://evil.example\\@login.salesforce.com", "user"},
           {"https://evil.example\\.login.salesforce.com", "DNS name"},
           {"https://login.salesforce.com/path", "path"},
           {"https://login.salesforce.com/?q=1", "query"},
           {"https://login.salesforce.com?q=1", "query"},
           {"https://login.salesforce.com/#f", "fragment"},
           {"https://login.salesforce.com.", "dot"},
           {"https://.login.salesforce.com", "DNS name"},
           {"https://login..salesforce.com", "DNS name"},
           {"https://login.salesforce.com:", "port"},
           {"https://login.salesforce.com:0", "port"},
           {"https://login.salesforce.com:65536", "port"},
           {"https://login.salesforce.com:99999999999999999999", "port"},
           {"https://login.salesforce.com:+443", "port"},
           {"https://login.salesforce.com:443:443", "port"},
           {"https://login.salesforce.com:x", "port"},
           {"https://login.sales force.com", "DNS name"},
           {"https://login.salesforce.com\t", "DNS name"},
           {"https://login.salesforce.com\r\nHost: evil", "port"},
           {"https://login.salesforce.com%00.evil.example", "DNS name"},
           {"https://%6cogin.salesforce.com", "DNS name"},
           {"https://l\xc3\xb6gin.salesforce.com", "xn--"},
           {"https://\xef\xbc\x8cogin.salesforce.com", "xn--"},
           {"https://login\xe3\x80\x82salesforce.com", "xn--"},
           {std::string("https://login.salesforce.com\0.evil.example", 42), "DNS name"},
           {"https://2130706433", "four decimal"},
           {"https://0x7f000001", "four decimal"},
           {"https://0X7F.1", "four decimal"},
           {"https://0x", "four decimal"},
           {"https://127.1", "four decimal"},
           {"https://0177.0.0.1", "four decimal"},
           {"https://127.0.0.01", "four decimal"},
           {"https://127.0.0.1.", "dot"},
           {"https://256.0.0.1", "four decimal"},
           {"https://[::1%25lo]", "brackets"},
           {"https://[::1%lo]", "brackets"},
           {"https://[::1", "brackets"},
           {"https://[127.0.0.1]", "brackets"},
           {"https://[v1.x]", "brackets"},
           {"https://[::1]x", "brackets"},
           {"https://::1", "port"},
       }) {
    const absl::Status status = hosts.Check(bad.url).status();
    EXPECT_EQ(ReasonOf(status), "LOGIN_URL_INVALID") << bad.url << ": " << status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(bad.word)) << bad.url;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("s3cret")));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("evil")));
  }
}

TEST(LoginHostsTest, PrivateHostsMayHaveAnyPortAndAddress) {
  const LoginHosts hosts =
      LoginHosts::New({.private_hosts = {"standin", "127.0.0.1", "[::1]", "0:0:0::2"}}).value();
  for (const std::string host : {"standin", "127.0.0.1", "[::1]", "[::2]"}) {
    const auto url = hosts.Check("https://" + host + ":8443");
    ASSERT_TRUE(url.ok()) << url.status();
    EXPECT_EQ(url->origin, "https://" + host + ":8443");
    EXPECT_TRUE(url->may_be_private);
  }
  EXPECT_EQ(hosts.Check("https://[0:0::0001]")->origin, "https://[::1]");
  for (const std::string host : {"127.0.0.2", "[::3]", "standin.example", "x.standin"}) {
    EXPECT_EQ(ReasonFor(hosts, "https://" + host), "LOGIN_HOST_NOT_ALLOWED") << host;
  }
  EXPECT_FALSE(hosts.Check("https://login.salesforce.com")->may_be_private);
}

TEST(LoginHostsTest, EntriesAreChecked) {
  for (const std::string entry :
       {"", "*", "*.com", "*.", "a.*.example.com", "**.example.com", "login.salesforce.com:443",
        "https://login.salesforce.com", "127.0.0.1", "::1", "127.1", "a b", "x."}) {
    const absl::Status status = LoginHosts::New({.allowed = {entry}}).status();
    EXPECT_EQ(ReasonOf(status), "OPTIONS_INVALID") << entry;
    EXPECT_THAT(std::string(status.message()), HasSubstr("login_hosts: "));
  }
  for (const std::string entry :
       {"", "*", "*.example.com", "standin:8443", "127.1", "[::1", "x."}) {
    const absl::Status status = LoginHosts::New({.private_hosts = {entry}}).status();
    EXPECT_EQ(ReasonOf(status), "OPTIONS_INVALID") << entry;
    EXPECT_THAT(std::string(status.message()), HasSubstr("private_login_hosts: "));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("write the name alone, such as localhost: any port is allowed"));
  }
  EXPECT_EQ(ReasonFor(LoginHosts::New({.allowed = {}}).value(), "https://login.salesforce.com"),
            "LOGIN_HOST_NOT_ALLOWED");
}

TEST(LoginHostsTest, APathIsPlainSegments) {
  const LoginHosts hosts;
  const auto url = hosts.CheckWithPath("https://login.salesforce.com/services/oauth2/userinfo");
  ASSERT_TRUE(url.ok()) << url.status();
  EXPECT_EQ(url->path, "/services/oauth2/userinfo");
  EXPECT_EQ(hosts.CheckWithPath("https://login.salesforce.com")->path, "/");
  for (const std::string path : {"/../x", "/a/./b", "/a/..", "/%2e%2e/x", "/a b", "/a\\b", "/a?q",
                                 "/a#f", "/a\r\nX: y", "/\xc3\xb6", "/a;b", "/a@b", "/a:b"}) {
    EXPECT_EQ(ReasonOf(hosts.CheckWithPath("https://login.salesforce.com" + path).status()),
              "LOGIN_URL_INVALID")
        << path;
  }
}

std::string CurlPart(const CurlUrlPtr& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return "";
  return CurlTextPtr(text).get();
}

// What is accepted and then given to libcurl means the same to it.
TEST(LoginHostsTest, LibcurlReadsAcceptedUrlsAlike) {
  const std::vector<std::string> pieces = {
      "https://", "https:", "/", "//",  "@",     ":",   "443", "8443", "a", ".",
      "..",       "[",      "]", "::1", "%",     "2e",  "\\",  "?",    "#", "0x7f",
      "127",      "1",      "-", "_",   "x.com", "A.b", " ",   "\t",   "~", "%25lo"};
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = "https://";
    for (size_t n = random() % 7; n > 0; --n) text += pieces[random() % pieces.size()];
    const auto ours = ParseHttpsUrl(text);
    if (!ours.ok()) continue;
    ++accepted;
    const CurlUrlPtr url(curl_url());
    const std::string given = ours->origin + ours->path;
    ASSERT_EQ(curl_url_set(url.get(), CURLUPART_URL, given.c_str(), CURLU_PATH_AS_IS), CURLUE_OK)
        << text;
    std::string host = CurlPart(url, CURLUPART_HOST);
    if (host.front() == '[') host = host.substr(1, host.size() - 2);
    ASSERT_EQ(host, ours->host) << text;
    ASSERT_EQ(CurlPart(url, CURLUPART_PORT), std::to_string(ours->port)) << text;
    ASSERT_EQ(CurlPart(url, CURLUPART_PATH), ours->path) << text;
    ASSERT_EQ(CurlPart(url, CURLUPART_USER), "") << text;
    ASSERT_EQ(CurlPart(url, CURLUPART_ZONEID), "") << text;
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace keyward::client
