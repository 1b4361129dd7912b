// The mutual-TLS channel: who is trusted, and what bad settings get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/client/signer_client_fixture.h"
#include "tests/testing/subprocess.h"

namespace keyward::client {
namespace {

using ::keyward::testing::CertificateFiles;
using ::keyward::testing::ScriptedSigner;
using ::testing::HasSubstr;

class ChannelTest : public SignerClientFixture {};

TEST_F(ChannelTest, ASignerThatComesBackIsFoundAgain) {
  const auto client = Client();
  ASSERT_TRUE(client->GetConnection("acme").ok());
  const int port = std::stoi(signer_->address().substr(signer_->address().rfind(':') + 1));
  signer_.reset();
  EXPECT_EQ(ReasonOf(client->GetConnection("acme").status()), "SIGNER_UNREACHABLE");
  signer_ = std::make_unique<ScriptedSigner>(server_files_, pki_.ca(), port);
  signer_->SetConnections({Named("acme")});
  // gRPC itself waits a little between connections.
  const absl::Time limit = absl::Now() + absl::Seconds(30);
  absl::Status status;
  do {
    status = client->GetConnection("acme").status();
  } while (!status.ok() && absl::Now() < limit);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(ChannelTest, ASignerByAnotherCaIsNotTrusted) {
  options_.ca_file = pki_.MakeCa("other");
  const absl::Status status = Client()->GetConnection("acme").status();
  EXPECT_EQ(ReasonOf(status), "SIGNER_UNREACHABLE") << status;
  EXPECT_EQ(signer_->Calls("GetConnection"), 0);
}

TEST_F(ChannelTest, ASignerWithAnotherNameIsNotTrusted) {
  const ScriptedSigner other(pki_.Issue("named", "DNS:signer.example"), pki_.ca());
  options_.signers = {other.address()};
  EXPECT_EQ(ReasonOf(Client()->GetConnection("acme").status()), "SIGNER_UNREACHABLE");
  EXPECT_EQ(other.Calls("GetConnection"), 0);
}

TEST_F(ChannelTest, AClientByAnotherCaIsTurnedAway) {
  pki_.MakeCa("other");
  const CertificateFiles stranger = pki_.Issue("stranger", "URI:spiffe://x/y", "other");
  options_.certificate_file = stranger.certificate;
  options_.private_key_file = stranger.private_key;
  const absl::Status status = Client()->GetConnection("acme").status();
  EXPECT_EQ(ReasonOf(status), "SIGNER_UNREACHABLE") << status;
  EXPECT_EQ(signer_->Calls("GetConnection"), 0);
}

TEST_F(ChannelTest, AddressesAreHostAndPort) {
  for (const char* good : {"127.0.0.1:7443", "signer.example:1", "[::1]:65535"}) {
    options_.signers = {good};
    EXPECT_TRUE(NewError().ok()) << good;
  }
  for (const char* bad : {"", "host", "host:", ":1", "host:0", "host:65536", "host:x",
                          "unix:/tmp/x:1", "dns:///host:1", "::1:7443", "[]:1"}) {
    options_.signers = {bad};
    EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID") << bad;
  }
  options_.signers = {"127.0.0.1"};
  EXPECT_EQ(NewError().message(),
            "the signer's address '127.0.0.1' must be host:port, like 127.0.0.1:7443");
}

TEST_F(ChannelTest, FilesAreCheckedBeforeTheyAreUsed) {
  const SignerClientOptions good = options_;
  const std::string garbage = pki_.File("garbage");
  ASSERT_TRUE(WriteFile(garbage, "-----BEGIN CERTIFICATE-----\nAAAA\n").ok());
  for (std::string SignerClientOptions::*file :
       {&SignerClientOptions::ca_file, &SignerClientOptions::certificate_file,
        &SignerClientOptions::private_key_file}) {
    options_ = good;
    options_.*file = garbage;
    EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
    EXPECT_THAT(std::string(NewError().message()), HasSubstr(garbage));
    options_.*file = pki_.File("none");
    EXPECT_EQ(NewError().code(), absl::StatusCode::kNotFound);
    EXPECT_THAT(std::string(NewError().message()), HasSubstr(pki_.File("none")));
  }
  options_ = good;
  options_.private_key_file = server_files_.private_key;
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
  EXPECT_THAT(std::string(NewError().message()), HasSubstr("is not the private key of"));
}

TEST_F(ChannelTest, AnExpiredCertificateIsRefusedBeforeACall) {
  const std::string request = pki_.File("expired.csr");
  const std::string expired = pki_.File("expired.pem");
  ASSERT_EQ(testing::Run({"openssl", "req", "-new", "-key", client_files_.private_key, "-subj",
                          "/CN=late", "-out", request})
                .exit_code,
            0);
  // It ends where it begins.
  ASSERT_EQ(testing::Run({"openssl", "x509", "-req", "-in", request, "-signkey",
                          client_files_.private_key, "-days", "-1", "-out", expired})
                .exit_code,
            0);
  options_.certificate_file = expired;
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
  EXPECT_THAT(std::string(NewError().message()), HasSubstr("has expired"));
}

TEST_F(ChannelTest, AnEncryptedKeyIsRefused) {
  const std::string encrypted = pki_.File("encrypted.key");
  ASSERT_EQ(testing::Run({"openssl", "ec", "-aes128", "-passout", "pass:x", "-in",
                          client_files_.private_key, "-out", encrypted})
                .exit_code,
            0);
  options_.private_key_file = encrypted;
  EXPECT_THAT(std::string(NewError().message()), HasSubstr("without a passphrase"));
}

TEST_F(ChannelTest, OptionsAreChecked) {
  options_.timeout = absl::ZeroDuration();
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
  options_.timeout = absl::Seconds(1);
  options_.retry.max_attempts = 0;
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
  options_.retry.max_attempts = 1;
  options_.retry.max_backoff = absl::ZeroDuration();
  EXPECT_EQ(ReasonOf(NewError()), "OPTIONS_INVALID");
}

}  // namespace
}  // namespace keyward::client
