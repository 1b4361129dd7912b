// Against nginx, which speaks HTTP/2.
#include <unistd.h>

#include <thread>

#include "common/file.h"
#include "tests/client/https/https_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {
namespace {

using ::keyward::testing::CertificateFiles;
using ::keyward::testing::Daemon;

class Http2Test : public HttpsFixture {
 protected:
  void SetUp() override {
    if (testing::Run({"sh", "-c", "nginx -V 2>&1 | grep -q http_v2"}).exit_code != 0) {
      GTEST_SKIP() << "there is no nginx with HTTP/2 (Debian: nginx-light)";
    }
    const CertificateFiles files = pki_.Issue("nginx", "DNS:localhost");
    // Its log goes to where Daemon sees it.
    const std::string config =
        "daemon off; master_process off; worker_processes 1; error_log stderr notice;\n"
        "pid " +
        pki_.File("pid") +
        "; events { worker_connections 64; }\n"
        "http { access_log off; keepalive_requests 10000;\n"
        "client_body_temp_path " +
        pki_.File("a") + "; proxy_temp_path " + pki_.File("b") + "; fastcgi_temp_path " +
        pki_.File("c") + "; uwsgi_temp_path " + pki_.File("d") + "; scgi_temp_path " +
        pki_.File("e") +
        ";\n"
        "server { listen 127.0.0.1:" +
        std::to_string(port_) +
        " ssl http2;\n"
        "ssl_certificate " +
        files.certificate + "; ssl_certificate_key " + files.private_key +
        ";\nlocation /protocol { return 200 \"$server_protocol $connection $http_authorization\"; "
        "}\n"
        "location / { return 503; } } }\n";
    ASSERT_TRUE(WriteFile(pki_.File("nginx.conf"), config).ok());
    nginx_ = Daemon::Start({"nginx", "-e", "stderr", "-c", pki_.File("nginx.conf")});
    ASSERT_TRUE(nginx_->WaitForOutput("getrlimit")) << nginx_->Output();
  }

  std::string Url() const { return "https://localhost:" + std::to_string(port_); }

  const int port_ = testing::FreePort();
  std::unique_ptr<Daemon> nginx_;
};

TEST_F(Http2Test, IsSpokenWhereTheHostOffersIt) {
  const Secret token(std::string("00D!x.y"));
  HttpsRequest request;
  request.url = Url() + "/protocol";
  request.bearer = &token;
  const auto first = client().Send(request);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->http_version, 2);
  EXPECT_TRUE(first->date.has_value());
  EXPECT_THAT(std::string(first->body.Expose()), ::testing::StartsWith("HTTP/2.0 "));
  EXPECT_THAT(std::string(first->body.Expose()), ::testing::EndsWith(" Bearer 00D!x.y"));
  for (int i = 0; i < 10; ++i) {
    const auto next = client().Send(request);
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_TRUE(next->times.reused);
    // With the number of its connection.
    EXPECT_EQ(next->body.Expose(), first->body.Expose());
  }
}

TEST_F(Http2Test, PostsAndErrorsAreAsOverHttp1) {
  for (int i = 0; i < 3; ++i) {
    const auto answer = Post(Url() + "/elsewhere");
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->status, 503);
  }
}

}  // namespace
}  // namespace keyward::client
