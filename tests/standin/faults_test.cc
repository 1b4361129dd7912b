// Faults, and what the journal tells of connections, over real HTTPS.

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/standin/token_endpoint_fixture.h"

namespace keyward::testing {
namespace {

using nlohmann::json;

constexpr char kVersions[] = "/services/data";

class FaultsTest : public TokenEndpointTest {
 protected:
  httplib::Result Get() const { return client_->Get(kVersions); }
};

// What arrives at a client that asks for the versions, and how the connection ended:
// 0 for an end in order, else errno.
struct Raw {
  std::string text;
  int error = 0;
};

Raw GetRaw(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(ssl.get(), fd);
  EXPECT_EQ(SSL_connect(ssl.get()), 1);
  const std::string request =
      absl::StrCat("GET ", kVersions, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_GT(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())), 0);
  Raw raw;
  char buffer[4096];
  for (;;) {
    errno = 0;
    const int size = SSL_read(ssl.get(), buffer, sizeof(buffer));
    if (size <= 0) break;
    raw.text.append(buffer, static_cast<size_t>(size));
  }
  raw.error = errno;
  close(fd);
  return raw;
}

TEST_F(FaultsTest, AResetIsOne) {
  standin_->Fault(kVersions, "reset");
  const Raw raw = GetRaw(standin_->port());
  EXPECT_EQ(raw.text, "");
  EXPECT_EQ(raw.error, ECONNRESET);
  EXPECT_TRUE(absl::StartsWith(GetRaw(standin_->port()).text, "HTTP/1.1 200")) << "only once";
  EXPECT_EQ(standin_->Count(kVersions, "fault: reset"), 1);
  EXPECT_EQ(standin_->Count(kVersions, "ok"), 1);
}

TEST_F(FaultsTest, ALoginMayBeCarriedOutAndItsAnswerLost) {
  standin_->Fault(kTokenEndpoint, "reset");
  EXPECT_NE(Try(Claims()), "200");
  EXPECT_EQ(Admin("/sessions").size(), 0U);
  standin_->Fault(kTokenEndpoint, "reset", 1, {{"processed", true}});
  EXPECT_NE(Try(Claims()), "200");
  EXPECT_EQ(Admin("/sessions").size(), 1U);
}

TEST_F(FaultsTest, ATruncatedBodyIsShorterThanItsLength) {
  standin_->Fault(kVersions, "truncate");
  const Raw raw = GetRaw(standin_->port());
  const size_t at = raw.text.find("Content-Length: ");
  ASSERT_NE(at, std::string::npos) << raw.text;
  const int length = std::stoi(raw.text.substr(at + 16));
  const size_t body = raw.text.size() - raw.text.find("\r\n\r\n") - 4;
  EXPECT_GT(body, 0U);
  EXPECT_LT(body, static_cast<size_t>(length));
  EXPECT_FALSE(Get() == nullptr);
}

TEST_F(FaultsTest, StatusesCarryRetryAfter) {
  standin_->Fault(kVersions, "status", 1, {{"status", 429}, {"retry_after", "7"}});
  httplib::Result result = Get();
  EXPECT_EQ(result->status, 429);
  EXPECT_EQ(result->get_header_value("Retry-After"), "7");
  EXPECT_TRUE(json::accept(result->body));
  standin_->Fault("*", "status", 2, {{"body", "<html>down</html>"}, {"content_type", "text/html"}});
  result = Get();
  EXPECT_EQ(result->status, 503);
  EXPECT_EQ(result->body, "<html>down</html>");
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/html");
  EXPECT_FALSE(result->has_header("Retry-After"));
  EXPECT_EQ(PostAssertion(*client_, Assertion(Claims()))->status, 503);
  EXPECT_EQ(Get()->status, 200);
}

TEST_F(FaultsTest, AnswersCanBeSpoiled) {
  standin_->Fault(kTokenEndpoint, "oversize", 1, {{"bytes", 1'500'000}});
  httplib::Result result = PostAssertion(*client_, Assertion(Claims()));
  EXPECT_EQ(result->status, 200);
  EXPECT_EQ(result->body.size(), 1'500'000U);
  EXPECT_TRUE(json::accept(result->body));

  standin_->Fault(kTokenEndpoint, "malformed");
  result = PostAssertion(*client_, Assertion(Claims()));
  EXPECT_EQ(result->status, 200);
  EXPECT_FALSE(json::accept(result->body));

  standin_->Fault(kTokenEndpoint, "content_type", 1, {{"content_type", "text/plain"}});
  result = PostAssertion(*client_, Assertion(Claims()));
  EXPECT_EQ(result->get_header_value_count("Content-Type"), 1U);
  EXPECT_EQ(result->get_header_value("Content-Type"), "text/plain");
  EXPECT_TRUE(json::parse(result->body).contains("access_token"));

  standin_->Fault(kTokenEndpoint, "redirect", 1, {{"location", "https://example.com/"}});
  result = PostAssertion(*client_, Assertion(Claims()));
  EXPECT_EQ(result->status, 302);
  EXPECT_EQ(result->get_header_value("Location"), "https://example.com/");
}

TEST_F(FaultsTest, LatencyDelaysTheRightAnswer) {
  standin_->Fault(kVersions, "latency", 1, {{"milliseconds", 300}});
  const absl::Time start = absl::Now();
  EXPECT_EQ(Get()->status, 200);
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(300));
  EXPECT_EQ(standin_->Count(kVersions, "ok"), 1);
}

TEST_F(FaultsTest, ASignalEndsWaits) {
  standin_->Fault(kVersions, "latency", 0, {{"milliseconds", 600'000}});
  const std::unique_ptr<httplib::SSLClient> client = standin_->Client();
  client->set_read_timeout(0, 200'000);
  EXPECT_FALSE(client->Get(kVersions));
  standin_->daemon().Signal(SIGTERM);
  EXPECT_EQ(standin_->daemon().Wait(), 0);
}

TEST_F(FaultsTest, OrdersAreListedClearedAndChecked) {
  standin_->Fault(kVersions, "status", 0, {{"status", 500}});
  EXPECT_EQ(Get()->status, 500);
  EXPECT_EQ(Get()->status, 500);
  ASSERT_EQ(Admin("/faults").size(), 1U);
  EXPECT_EQ(Admin("/faults")[0]["kind"], "status");
  standin_->Admin("DELETE", "/faults");
  EXPECT_EQ(Get()->status, 200);
  httplib::Client admin = standin_->AdminClient();
  for (const char* bad :
       {"", "{}", R"({"kind":"x"})", R"({"kind":"status","status":100})",
        R"({"kind":"redirect","location":"a\r\nb"})", R"({"kind":"latency","milliseconds":-1})",
        R"({"kind":"oversize","bytes":100000000})", R"({"kind":"reset","x":1})"}) {
    EXPECT_EQ(admin.Post("/faults", bad, "application/json")->status, 400) << bad;
  }
}

TEST_F(FaultsTest, TheJournalShowsConnectionsAndClaims) {
  client_->set_keep_alive(true);
  client_->set_default_headers({{"User-Agent", "test/1"}});
  json claims = Claims();
  EXPECT_EQ(Post(SignJwt(R"({"alg":"RS256","kid":"key 1"})", claims.dump(), key_.key.get())),
            "200");
  EXPECT_EQ(Try(claims), "200");
  const std::unique_ptr<httplib::SSLClient> other = standin_->Client();
  EXPECT_EQ(Summary(PostAssertion(*other, Assertion(claims))), "200");
  const json journal = standin_->Journal("endpoint=/services/oauth2/token");
  ASSERT_EQ(journal.size(), 3U);
  EXPECT_EQ(journal[0]["connection"], journal[1]["connection"]);
  EXPECT_EQ(journal[0]["remote_port"], journal[1]["remote_port"]);
  EXPECT_EQ(journal[0]["request_on_connection"], 1);
  EXPECT_EQ(journal[1]["request_on_connection"], 2);
  EXPECT_NE(journal[2]["connection"], journal[0]["connection"]);
  EXPECT_EQ(journal[2]["request_on_connection"], 1);
  EXPECT_EQ(journal[0]["user_agent"], "test/1");
  EXPECT_EQ(journal[0]["kid"], "key 1");
  EXPECT_EQ(journal[1]["kid"], "");
  EXPECT_EQ(journal[0]["aud"], "https://login.salesforce.com");
  EXPECT_LE(journal[0]["expires_in"], 180);
  EXPECT_GT(journal[0]["expires_in"], 120);
  EXPECT_EQ(journal[0]["server"], 0);
}

TEST_F(FaultsTest, TheJournalIsFilteredLimitedAndCleared) {
  EXPECT_EQ(Try(Claims()), "200");
  EXPECT_EQ(Try(ClaimsWith("sub", "nobody@example.com")), kNotApproved);
  EXPECT_EQ(Get()->status, 200);
  EXPECT_EQ(standin_->Journal().size(), 3U);
  EXPECT_EQ(standin_->Journal("endpoint=/services/data").size(), 1U);
  EXPECT_EQ(standin_->Journal("sub=nobody%40example.com")[0]["outcome"],
            "invalid_grant: user hasn't approved this consumer");
  EXPECT_EQ(standin_->Journal("outcome=invalid_grant").size(), 1U);
  EXPECT_EQ(standin_->Journal("outcome=ok&iss=" + consumer_key_).size(), 1U);
  EXPECT_EQ(standin_->Journal("limit=1")[0]["endpoint"], kVersions);
  EXPECT_EQ(standin_->Journal("after=1").size(), 2U);
  EXPECT_EQ(standin_->Journal("server=0").size(), 3U);
  EXPECT_EQ(standin_->Journal("server=1").size(), 0U);
  EXPECT_EQ(standin_->AdminClient().Get("/journal?x=1")->status, 400);
  EXPECT_EQ(standin_->Admin("GET", "/journal/summary")[kVersions]["ok"], 1);
  standin_->Admin("DELETE", "/journal");
  EXPECT_EQ(standin_->Journal().size(), 0U);
  EXPECT_EQ(standin_->Count(kVersions), 0);
}

TEST_F(FaultsTest, EachSideHasItsErrorShape) {
  const json admin = json::parse(standin_->AdminClient().Get("/nothing")->body);
  EXPECT_EQ(admin["error"], "NOT_FOUND");
  EXPECT_TRUE(admin.contains("message"));
  EXPECT_EQ(json::parse(client_->Get("/nothing")->body)[0]["errorCode"], "NOT_FOUND");
}

}  // namespace
}  // namespace keyward::testing
