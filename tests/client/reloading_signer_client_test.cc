// Certificates that are renewed while a real signer is called.
#include "client/reloading_signer_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/error.h"
#include "common/file.h"
#include "tests/testing/signer_process.h"

namespace keyward::client {
namespace {

using ::testing::HasSubstr;

class ReloadingSignerClientTest : public ::testing::Test {
 protected:
  ReloadingSignerClientTest() {
    if (!signer_.Start()) ADD_FAILURE() << signer_.daemon().Output();
    Use("backend");
    Copy("pki/ca.pem", "ca.pem");
    options_.signers = {signer_.address()};
    options_.ca_file = signer_.File("ca.pem");
    options_.certificate_file = signer_.File("client.pem");
    options_.private_key_file = signer_.File("client.key");
  }

  void Copy(const std::string& from, const std::string& to) const {
    signer_.Write(to, ReadFile(signer_.File(from)).value());
  }

  // Puts `client`'s certificate and key in place.
  void Use(const std::string& client) const {
    Copy("pki/" + client + ".pem", "client.pem");
    Copy("pki/" + client + ".key", "client.key");
  }

  // Only the operator may ask for this; the backend is refused.
  static std::string Answer(SignerClient& client) {
    const absl::Status status = client.GetConnection("other").status();
    return ReasonOf(status).value_or(status.ToString());
  }

  testing::SignerProcess signer_;
  SignerClientOptions options_;
};

constexpr char kSeenAsOperator[] = "CONNECTION_NOT_FOUND";
constexpr char kSeenAsBackend[] = "NOT_ALLOWED";

TEST_F(ReloadingSignerClientTest, ARenewedCertificateIsUsedFromThenOn) {
  const auto reloading = ReloadingSignerClient::New(options_).value();
  const std::shared_ptr<SignerClient> before = reloading->Get();
  EXPECT_EQ(Answer(*before), kSeenAsBackend);
  EXPECT_EQ(reloading->Poll().value(), false);
  EXPECT_EQ(reloading->Get(), before);

  Use("operator");
  EXPECT_EQ(reloading->Poll().value(), true);
  EXPECT_NE(reloading->Get(), before);
  EXPECT_EQ(Answer(*reloading->Get()), kSeenAsOperator);
  // Who holds the one before may finish with it.
  EXPECT_EQ(Answer(*before), kSeenAsBackend);
  EXPECT_EQ(reloading->Poll().value(), false);
}

TEST_F(ReloadingSignerClientTest, BadFilesKeepTheClientAndAreToldOnce) {
  const auto reloading = ReloadingSignerClient::New(options_).value();
  const std::shared_ptr<SignerClient> before = reloading->Get();
  // As a renewal that is half done.
  Copy("pki/operator.pem", "client.pem");
  const absl::Status half = reloading->Poll().status();
  EXPECT_EQ(ReasonOf(half), "OPTIONS_INVALID");
  EXPECT_THAT(std::string(half.message()), HasSubstr("is not the private key of"));
  EXPECT_EQ(reloading->Poll().value(), false);
  EXPECT_EQ(reloading->Get(), before);
  EXPECT_EQ(Answer(*reloading->Get()), kSeenAsBackend);

  ASSERT_EQ(remove(options_.private_key_file.c_str()), 0);
  EXPECT_EQ(reloading->Poll().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(reloading->Poll().value(), false);
  EXPECT_EQ(reloading->Get(), before);

  Use("operator");
  EXPECT_EQ(reloading->Poll().value(), true);
  EXPECT_EQ(Answer(*reloading->Get()), kSeenAsOperator);
}

TEST_F(ReloadingSignerClientTest, AnotherCaIsFollowedToo) {
  Copy("pki/backend.pem", "ca.pem");
  const auto reloading = ReloadingSignerClient::New(options_).value();
  EXPECT_EQ(Answer(*reloading->Get()), "SIGNER_UNREACHABLE");
  Copy("pki/ca.pem", "ca.pem");
  EXPECT_EQ(reloading->Poll().value(), true);
  EXPECT_EQ(Answer(*reloading->Get()), kSeenAsBackend);
}

TEST_F(ReloadingSignerClientTest, WithoutGoodFilesAtFirstThereIsNone) {
  signer_.Write("client.key", "garbage");
  EXPECT_EQ(ReasonOf(ReloadingSignerClient::New(options_).status()), "OPTIONS_INVALID");
}

}  // namespace
}  // namespace keyward::client
