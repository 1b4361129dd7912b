// A client and a login host that it may reach.
#ifndef KEYWARD_TESTS_CLIENT_HTTPS_HTTPS_FIXTURE_H_
#define KEYWARD_TESTS_CLIENT_HTTPS_HTTPS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/https/https_client.h"
#include "common/error.h"
#include "tests/client/login_host.h"
#include "tests/client/test_pki.h"

namespace keyward::client {

class HttpsFixture : public ::testing::Test {
 protected:
  HttpsFixture()
      : host_(pki_.Issue("standin", "DNS:localhost,IP:127.0.0.1,DNS:*.my.salesforce.com"),
              testing::KeepAlive::kYes) {
    options_.ca_file = pki_.ca();
    // No proxy of the machine stands between the test and 127.0.0.1.
    options_.proxy = "";
    options_.hosts = LoginHosts::New({.private_hosts = {"localhost", "127.0.0.1"}}).value();
    host_.AnswerWith(testing::Granted());
  }

  // The one that the first call makes with options_.
  HttpsClient& client() {
    if (client_ == nullptr) client_ = HttpsClient::New(options_).value();
    return *client_;
  }

  absl::StatusOr<HttpsAnswer> Get(const std::string& url,
                                  absl::Time deadline = absl::InfiniteFuture()) {
    HttpsRequest request;
    request.url = url;
    return client().Send(request, deadline);
  }

  absl::StatusOr<HttpsAnswer> Post(const std::string& url) {
    HttpsRequest request;
    request.method = HttpsRequest::Method::kPost;
    request.url = url;
    request.form = Secret(std::string("assertion=s3cret"));
    return client().Send(request);
  }

  // The error of a request; it never holds what was sent.
  absl::Status ErrorOf(const std::string& url) {
    const absl::Status status = Post(url).status();
    EXPECT_THAT(status.ToString(), ::testing::Not(::testing::HasSubstr("s3cret")));
    return status;
  }

  std::optional<std::string> ReasonFor(const std::string& url) { return ReasonOf(ErrorOf(url)); }

  std::optional<std::string> ReasonForReply(const testing::Reply& reply) {
    host_.AnswerWith(reply);
    return ReasonFor(host_.Url());
  }

  const testing::TestPki pki_;
  testing::LoginHost host_;
  HttpsClientOptions options_;

 private:
  std::unique_ptr<HttpsClient> client_;
};

}  // namespace keyward::client

#endif  // KEYWARD_TESTS_CLIENT_HTTPS_HTTPS_FIXTURE_H_
