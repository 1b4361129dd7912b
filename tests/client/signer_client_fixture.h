// A client and a scripted signer that trust each other.
#ifndef KEYWARD_TESTS_CLIENT_SIGNER_CLIENT_FIXTURE_H_
#define KEYWARD_TESTS_CLIENT_SIGNER_CLIENT_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "client/signer_client.h"
#include "tests/client/scripted_signer.h"
#include "tests/client/test_pki.h"

namespace keyward::client {

class SignerClientFixture : public ::testing::Test {
 protected:
  SignerClientFixture()
      : server_files_(pki_.Issue("signer", "DNS:localhost,IP:127.0.0.1")),
        client_files_(pki_.Issue("operator", "URI:spiffe://keyward.example/operator")),
        signer_(std::make_unique<testing::ScriptedSigner>(server_files_, pki_.ca())) {
    options_.signers = {signer_->address()};
    options_.ca_file = pki_.ca();
    options_.certificate_file = client_files_.certificate;
    options_.private_key_file = client_files_.private_key;
    options_.retry.initial_backoff = absl::Milliseconds(1);
    options_.retry.max_backoff = absl::Milliseconds(4);
    signer_->SetConnections({Named("acme"), Named("beta"), Named("gamma")});
  }

  static v1::Connection Named(const std::string& name) {
    v1::Connection connection;
    connection.set_name(name);
    connection.set_etag("7");
    return connection;
  }

  std::unique_ptr<SignerClient> Client() const { return SignerClient::New(options_).value(); }

  absl::Status NewError() const { return SignerClient::New(options_).status(); }

  const testing::TestPki pki_;
  const testing::CertificateFiles server_files_;
  const testing::CertificateFiles client_files_;
  std::unique_ptr<testing::ScriptedSigner> signer_;
  SignerClientOptions options_;
};

}  // namespace keyward::client

#endif  // KEYWARD_TESTS_CLIENT_SIGNER_CLIENT_FIXTURE_H_
