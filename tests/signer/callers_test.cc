#include "signer/callers.h"

#include <gmock/gmock.h>
#include <grpcpp/security/auth_context.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "tests/testing/test_ca.h"

namespace keyward::signer {
namespace {

using keyward::testing::CrlOptions;
using keyward::testing::TestCa;
using server::ClientVerifier;
using server::ClientVerifiers;

// What gRPC says of a TLS connection.
class TlsContext final : public grpc::AuthContext {
 public:
  TlsContext(std::string leaf, std::string uri, std::string chain = "")
      : properties_{{"transport_security_type", "ssl"},
                    {"x509_pem_cert", std::move(leaf)},
                    {"x509_pem_cert_chain", std::move(chain)},
                    {"peer_uri", std::move(uri)},
                    {"x509_common_name", "someone"}} {}

  // How often the names were read, which only a look at the certificate does.
  int looks() const { return looks_; }

  bool IsPeerAuthenticated() const override { return true; }
  std::vector<grpc::string_ref> FindPropertyValues(const std::string& name) const override {
    if (name == "peer_uri") ++looks_;
    const auto found = properties_.find(name);
    if (found == properties_.end() || found->second.empty()) return {};
    return {found->second};
  }

  std::vector<grpc::string_ref> GetPeerIdentity() const override { return {}; }
  std::string GetPeerIdentityPropertyName() const override { return ""; }
  grpc::AuthPropertyIterator begin() const override { return Nowhere(); }
  grpc::AuthPropertyIterator end() const override { return Nowhere(); }
  void AddProperty(const std::string& /*key*/, const grpc::string_ref& /*value*/) override {}
  bool SetPeerIdentityPropertyName(const std::string& /*name*/) override { return false; }

 private:
  // The iterator's constructor is open to its subclasses only.
  struct Nowhere : grpc::AuthPropertyIterator {};

  std::map<std::string, std::string> properties_;
  mutable int looks_ = 0;
};

class CallersTest : public ::testing::Test {
 protected:
  void Use(const std::string& authorities, const std::string& crls = "") {
    auto verifier = ClientVerifier::New({.client_ca = authorities, .client_crl = crls},
                                        verifiers_.generation() + 1);
    ASSERT_TRUE(verifier.ok()) << verifier.status();
    verifiers_.Set(*std::move(verifier));
  }

  std::string Says(const TlsContext& context) const {
    const absl::StatusOr<std::string> identity = callers_.IdentityOf(context);
    return identity.ok() ? *identity : ReasonOf(identity.status()).value_or("none");
  }

  const TestCa ca_{"ca"};
  ClientVerifiers verifiers_{*ClientVerifier::New({.client_ca = ca_.certificate()}, 1)};
  const Callers callers_{{.verifiers = &verifiers_}};
  const std::string leaf_ = ca_.Issue({}).certificate;
  const TlsContext client_{leaf_, "spiffe://a/b"};
};

TEST_F(CallersTest, LooksAtACertificateOnce) {
  EXPECT_EQ(Says(client_), "spiffe://a/b");
  EXPECT_EQ(Says(client_), "spiffe://a/b");
  EXPECT_EQ(client_.looks(), 1);
  // On another connection, too.
  const TlsContext again(leaf_, "spiffe://a/b");
  EXPECT_EQ(Says(again), "spiffe://a/b");
  EXPECT_EQ(again.looks(), 0);
  // Another certificate is another client, and what was sent along may decide.
  const TlsContext other(ca_.Issue({}).certificate, "spiffe://a/c");
  EXPECT_EQ(Says(other), "spiffe://a/c");
  EXPECT_EQ(Says(client_), "spiffe://a/b");
  const TlsContext chained(leaf_, "spiffe://a/b", leaf_);
  EXPECT_EQ(Says(chained), "spiffe://a/b");
  EXPECT_EQ(chained.looks(), 1);
}

TEST_F(CallersTest, LooksAgainWithANewSet) {
  EXPECT_EQ(Says(client_), "spiffe://a/b");
  Use(ca_.certificate(), ca_.Crl({.revoked = {leaf_}}));
  EXPECT_EQ(Says(client_), "CLIENT_CERTIFICATE_REVOKED");
  EXPECT_EQ(callers_.NameOf(client_), "spiffe://a/b");
  Use(ca_.certificate(), ca_.Crl());
  EXPECT_EQ(Says(client_), "spiffe://a/b");
  Use(TestCa("other").certificate());
  EXPECT_EQ(Says(client_), "CLIENT_CERTIFICATE_INVALID");
  EXPECT_EQ(Says(client_), "CLIENT_CERTIFICATE_INVALID");
  Use(ca_.certificate());
  EXPECT_EQ(Says(client_), "spiffe://a/b");
}

TEST_F(CallersTest, LooksAgainAtTheEndOfACertificate) {
  const absl::Time end = absl::Now() + absl::Seconds(2);
  const std::string leaf = ca_.Issue({.not_after = end}).certificate;
  const TlsContext brief(leaf, "spiffe://a/brief");
  // Where it is not, the machine took longer than its life.
  const std::string first = Says(brief);
  if (absl::Now() < end - absl::Seconds(1)) {
    EXPECT_EQ(first, "spiffe://a/brief");
  }
  while (absl::Now() < end) absl::SleepFor(end - absl::Now());
  EXPECT_EQ(Says(brief), "CLIENT_CERTIFICATE_EXPIRED");
}

TEST_F(CallersTest, LooksAgainAtTheEndOfAList) {
  const absl::Time end = absl::Now() + absl::Seconds(2);
  Use(ca_.certificate(), ca_.Crl({.next_update = end}));
  const std::string first = Says(client_);
  if (absl::Now() < end - absl::Seconds(1)) {
    EXPECT_EQ(first, "spiffe://a/b");
  }
  while (absl::Now() < end) absl::SleepFor(end - absl::Now());
  EXPECT_EQ(Says(client_), "CLIENT_CRL_EXPIRED");
}

TEST_F(CallersTest, OnlyTheKindsThatAreListedCount) {
  const Callers callers({.verifiers = &verifiers_, .kinds = {.spiffe = false}});
  EXPECT_EQ(ReasonOf(callers.IdentityOf(client_).status()), "CLIENT_IDENTITY_INVALID");
  EXPECT_EQ(callers.NameOf(client_), "");
  EXPECT_EQ(*callers.IdentityOf(TlsContext(ca_.Issue({}).certificate, "")), "cn:someone");
}

TEST_F(CallersTest, WithoutAuthoritiesNobodyCalls) {
  const Callers callers({});
  EXPECT_EQ(ReasonOf(callers.IdentityOf(client_).status()), "CLIENT_CERTIFICATE_INVALID");
}

TEST_F(CallersTest, KeepsABoundedNumber) {
  const std::string other = ca_.Issue({}).certificate;
  for (int i = 0; i < 5000; ++i) {
    EXPECT_EQ(Says(TlsContext(leaf_, "spiffe://a/b", absl::StrCat("text ", i, "\n", other))),
              "spiffe://a/b");
  }
  EXPECT_GT(callers_.kept(), 3000U);
  EXPECT_LE(callers_.kept(), 4096U);
  // One certificate with much sent along does not take all the room.
  const std::string long_text(60'000, 'x');
  for (int i = 0; i < 400; ++i) {
    EXPECT_EQ(Says(TlsContext(leaf_, "spiffe://a/b", absl::StrCat(i, long_text, "\n", other))),
              "spiffe://a/b");
  }
  EXPECT_LE(callers_.kept(), 4096U);
  const TlsContext huge(leaf_, "spiffe://a/b", absl::StrCat(long_text, long_text, "\n", other));
  EXPECT_EQ(Says(huge), "spiffe://a/b");
  EXPECT_EQ(Says(huge), "spiffe://a/b");
  EXPECT_EQ(huge.looks(), 2);
}

TEST_F(CallersTest, SeveralThreadsMayAskWhileSetsChange) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      const TlsContext context(leaf_, "spiffe://a/b");
      for (int call = 0; call < 200; ++call) EXPECT_EQ(Says(context), "spiffe://a/b");
    });
  }
  for (int i = 0; i < 20; ++i) Use(ca_.certificate());
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace keyward::signer
