// Through a real proxy in this process.
#include <cstdlib>

#include "tests/client/https/connect_proxy.h"
#include "tests/client/https/fake_names.h"
#include "tests/client/https/https_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {
namespace {

using ::keyward::testing::ConnectProxy;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kUrl[] = "https://proxied.my.salesforce.com";

class ProxiedTest : public HttpsFixture {
 protected:
  ProxiedTest() : proxy_(host_.port()) {
    testing::SetUnknown("proxied.my.salesforce.com");
    for (const char* name :
         {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"}) {
      unsetenv(name);
    }
  }

  ConnectProxy proxy_;
};

TEST_F(ProxiedTest, TheProxyLooksTheNameUpAndSeesNothingElse) {
  options_.proxy = proxy_.Url();
  const Secret token(std::string("00D!t0ken"));
  HttpsRequest request;
  request.url = kUrl;
  request.bearer = &token;
  const auto answer = client().Send(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(host_.posted().size(), 1U);
  EXPECT_EQ(testing::LookUpsOf("proxied.my.salesforce.com"), 0);
  ASSERT_EQ(proxy_.requests().size(), 1U);
  EXPECT_THAT(proxy_.requests()[0],
              AllOf(HasSubstr("CONNECT proxied.my.salesforce.com:443 HTTP/1.1\r\n"),
                    Not(HasSubstr("t0ken")), Not(HasSubstr("uthorization"))));
  // The proxy's headers are not the host's.
  EXPECT_FALSE(answer->retry_after.has_value());
  EXPECT_NE(answer->date, absl::FromUnixSeconds(784111777));
}

TEST_F(ProxiedTest, TheTunnelIsKept) {
  options_.proxy = proxy_.Url();
  EXPECT_FALSE(Get(kUrl)->times.reused);
  EXPECT_TRUE(Get(kUrl)->times.reused);
  EXPECT_EQ(proxy_.requests().size(), 1U);
}

TEST_F(ProxiedTest, TheListOfLoginHostsHoldsThere) {
  options_.proxy = proxy_.Url();
  EXPECT_EQ(ReasonFor("https://evil.example"), "LOGIN_HOST_NOT_ALLOWED");
  EXPECT_EQ(ReasonFor("https://proxied.my.salesforce.com:8443"), "LOGIN_HOST_NOT_ALLOWED");
  EXPECT_TRUE(proxy_.requests().empty());
}

TEST_F(ProxiedTest, TheHostsCertificateIsVerifiedThere) {
  const testing::LoginHost elsewhere(pki_.Issue("elsewhere", "DNS:login.example"));
  const ConnectProxy astray(elsewhere.port());
  options_.proxy = astray.Url();
  EXPECT_EQ(ReasonFor(kUrl), "LOGIN_HOST_NOT_TRUSTED");
  EXPECT_TRUE(elsewhere.posted().empty());
}

TEST_F(ProxiedTest, GivesTheProxyItsCredentials) {
  options_.proxy = proxy_.Url("us%40er:pa%3Ass@");
  EXPECT_TRUE(Get(kUrl).ok());
  // us@er:pa:ss
  EXPECT_THAT(proxy_.requests().at(0),
              HasSubstr("Proxy-Authorization: Basic dXNAZXI6cGE6c3M=\r\n"));
  EXPECT_EQ(host_.posted().at(0).headers.count("Proxy-Authorization"), 0U);
}

TEST_F(ProxiedTest, ARefusalOfTheProxyNamesTheSettingAndNoCredentials) {
  options_.proxy = proxy_.Url("proxyuser:pr0xypass@");
  proxy_.AnswerWith(
      "HTTP/1.1 407 Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"
      "Content-Length: 0\r\n\r\n");
  absl::Status status = ErrorOf(kUrl);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "PROXY_REFUSED");
  EXPECT_THAT(status.ToString(),
              AllOf(HasSubstr("407"), HasSubstr("password that it knows"), HasSubstr("https_proxy"),
                    Not(HasSubstr("proxyuser")), Not(HasSubstr("pr0xypass"))));
  proxy_.AnswerWith("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(ReasonFor(kUrl), "PROXY_REFUSED");
  proxy_.AnswerWith("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  status = ErrorOf(kUrl);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE");
}

TEST_F(ProxiedTest, AProxyThatIsNotThereOrUnknown) {
  testing::SetUnknown("proxy.example");
  const std::string nobody = "http://u:pr0xypass@127.0.0.1:" + std::to_string(testing::FreePort());
  for (const std::string& url : {nobody, std::string("http://u:pr0xypass@proxy.example:1")}) {
    options_.proxy = url;
    const auto client = HttpsClient::New(options_).value();
    HttpsRequest request;
    request.url = kUrl;
    const absl::Status status = client->Send(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(status), "LOGIN_HOST_UNREACHABLE") << status;
    EXPECT_THAT(status.ToString(), Not(HasSubstr("pr0xypass")));
  }
}

TEST_F(ProxiedTest, TheVariablesCountAsTheyWereAtFirst) {
  options_.proxy = std::nullopt;
  setenv("https_proxy", proxy_.Url().c_str(), 1);
  client();
  unsetenv("https_proxy");
  EXPECT_TRUE(Get(kUrl).ok());
  EXPECT_EQ(proxy_.requests().size(), 1U);
}

TEST_F(ProxiedTest, AnOptionOverridesTheVariables) {
  setenv("https_proxy", "http://127.0.0.1:1", 1);
  setenv("no_proxy", "*", 1);
  options_.proxy = proxy_.Url();
  EXPECT_TRUE(Get(kUrl).ok());
  EXPECT_EQ(proxy_.requests().size(), 1U);
}

// A host that no_proxy names is reached directly, and its addresses are looked at.
TEST_F(ProxiedTest, WithoutTheProxyAddressesAreCheckedAgain) {
  testing::SetAddresses("direct.my.salesforce.com", {"127.0.0.1"});
  options_.proxy = std::nullopt;
  setenv("https_proxy", proxy_.Url().c_str(), 1);
  setenv("no_proxy", "direct.my.salesforce.com,localhost", 1);
  EXPECT_EQ(ReasonFor("https://direct.my.salesforce.com"), "LOGIN_HOST_PRIVATE");
  EXPECT_TRUE(Get(host_.Url()).ok());
  EXPECT_TRUE(proxy_.requests().empty());
  EXPECT_TRUE(Get(kUrl).ok());
  EXPECT_EQ(proxy_.requests().size(), 1U);
}

}  // namespace
}  // namespace keyward::client
