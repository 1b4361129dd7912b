// ReloadingTlsCredentials under a real gRPC server.
#include "common/server/tls_credentials.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/mutex.h"
#include "common/server/health_service.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/common/server/served_tls_files.h"
#include "tests/testing/subprocess.h"

namespace keyward::server {
namespace {

using grpc::health::v1::Health;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(60);

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(10));
  }
  return true;
}

// What openssl's client sends at the end of its input to leave.
constexpr char kQuit[] = "Q\n";

class TlsCredentialsTest : public ::testing::Test {
 protected:
  TlsCredentialsTest() {
    served_.pki().Issue("client", "URI:spiffe://keyward.example/client");
    served_.pki().Issue("stranger", "URI:spiffe://keyward.example/client", "other-ca");
    auto credentials = ReloadingTlsCredentials::New(served_.files(), absl::Milliseconds(10));
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    credentials_ = *std::move(credentials);
  }
  ~TlsCredentialsTest() override {
    if (server_) server_->Shutdown();
    server_.reset();
  }

  void Serve(const std::string& host = "127.0.0.1") {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat(host, ":0"), credentials_, &port_);
    builder.RegisterService(&health_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    ASSERT_GT(port_, 0);
  }

  // A connection of its own, by the client certificate `name`, or none where it is "".
  std::unique_ptr<Health::Stub> Connect(const std::string& name,
                                        const std::string& host = "127.0.0.1") const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = served_.Read("ca.pem");
    if (!name.empty()) {
      options.pem_private_key = served_.Read(name + ".key");
      options.pem_cert_chain = served_.Read(name + ".pem");
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return Health::NewStub(grpc::CreateCustomChannel(absl::StrCat(host, ":", port_),
                                                     grpc::SslCredentials(options), arguments));
  }

  static grpc::StatusCode Call(Health::Stub& stub) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    grpc::health::v1::HealthCheckResponse response;
    return stub.Check(&context, {}, &response).error_code();
  }

  grpc::StatusCode CallAs(const std::string& name) const { return Call(*Connect(name)); }

  // openssl's client, with the client certificate `name`.
  keyward::testing::Finished Openssl(const std::string& name,
                                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> argv = {"openssl",  "s_client",
                                     "-connect", absl::StrCat("127.0.0.1:", port_),
                                     "-CAfile",  served_.pki().File("ca.pem"),
                                     "-cert",    served_.pki().File(name + ".pem"),
                                     "-key",     served_.pki().File(name + ".key")};
    argv.insert(argv.end(), more.begin(), more.end());
    return keyward::testing::Run(argv, {}, kQuit);
  }

  bool Serves(const std::string& certificate) const {
    return absl::StrContains(Openssl("client", {"-alpn", "h2"}).out, served_.Read(certificate));
  }

  ServedTlsFiles served_;
  std::shared_ptr<ReloadingTlsCredentials> credentials_;
  HealthService health_{{}};
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(TlsCredentialsTest, RefusesFilesThatAreWrongAtTheStart) {
  ServedTlsFiles::Put(served_.files().client_ca, "");
  EXPECT_TRUE(absl::IsInvalidArgument(ReloadingTlsCredentials::New(served_.files()).status()));
}

TEST_F(TlsCredentialsTest, ServesClientsOfItsAuthorityAlone) {
  Serve();
  EXPECT_EQ(CallAs("client"), grpc::StatusCode::OK);
  EXPECT_EQ(CallAs(""), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(CallAs("stranger"), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsCredentialsTest, SpeaksHttp2OverTls12AndNewer) {
  Serve();
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const auto connected = Openssl("client", {version, "-alpn", "h2"});
    EXPECT_THAT(connected.out, HasSubstr("ALPN protocol: h2")) << version;
    EXPECT_THAT(connected.out, HasSubstr("Verify return code: 0 (ok)")) << version;
  }
  const auto old = Openssl("client", {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"});
  EXPECT_NE(old.exit_code, 0);
  EXPECT_THAT(old.out, HasSubstr("Cipher is (NONE)"));
}

TEST_F(TlsCredentialsTest, NewConnectionsSeeANewCertificate) {
  Serve();
  EXPECT_TRUE(Serves("first.pem"));
  served_.Install("second");
  EXPECT_TRUE(Eventually([&] { return Serves("second.pem"); }));
  EXPECT_EQ(CallAs("client"), grpc::StatusCode::OK);
  EXPECT_EQ(CallAs("stranger"), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsCredentialsTest, TellsTheEndOfTheCertificateInUse) {
  const absl::Time first = credentials_->not_after();
  EXPECT_GT(first, absl::Now());
  // Issued for one day in place of two.
  const auto made = keyward::testing::Run({"openssl", "req", "-x509", "-key",
                                           served_.pki().File("second.key"), "-days", "1", "-subj",
                                           "/CN=short", "-out", served_.pki().File("second.pem")});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  served_.Install("second");
  EXPECT_TRUE(Eventually([&] { return credentials_->not_after() != first; }));
  EXPECT_LT(credentials_->not_after(), first);
}

TEST_F(TlsCredentialsTest, TellsOfSetsThatItTakesUpOrRefuses) {
  Mutex mutex;
  std::vector<std::string> told;
  auto credentials = ReloadingTlsCredentials::New(
      served_.files(), absl::Milliseconds(10), [&](const TlsReload& reload) {
        MutexLock lock(&mutex);
        told.push_back(reload.status.ok()
                           ? absl::StrCat("taken up ", reload.set->certificate)
                           : absl::StrCat("refused ", std::string(reload.status.message())));
      });
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  const int64_t generation = (*credentials)->client_verifiers().generation();
  const auto has_told = [&](const std::string& text) {
    return Eventually([&] {
      MutexLock lock(&mutex);
      return !told.empty() && absl::StrContains(told.back(), text);
    });
  };
  ServedTlsFiles::Put(served_.files().client_ca, "");
  EXPECT_TRUE(has_told("refused tls.client_ca: "));
  EXPECT_EQ((*credentials)->client_verifiers().generation(), generation);
  ServedTlsFiles::Put(served_.files().client_ca, served_.Read("other-ca.pem"));
  EXPECT_TRUE(has_told(absl::StrCat("taken up ", served_.Read("first.pem"))));
  EXPECT_GT((*credentials)->client_verifiers().generation(), generation);
  EXPECT_EQ((*credentials)->set()->client_ca, served_.Read("other-ca.pem"));
  MutexLock lock(&mutex);
  EXPECT_EQ(told.size(), 2U);
}

TEST_F(TlsCredentialsTest, AnAuthorityThatIsGoneServesOnNewConnectionsNoMore) {
  Serve();
  const std::unique_ptr<Health::Stub> old = Connect("client");
  EXPECT_EQ(Call(*old), grpc::StatusCode::OK);
  ServedTlsFiles::Put(served_.files().client_ca, served_.Read("other-ca.pem"));
  EXPECT_TRUE(Eventually([&] { return CallAs("client") == grpc::StatusCode::UNAVAILABLE; }));
  EXPECT_EQ(CallAs("stranger"), grpc::StatusCode::OK);
  EXPECT_EQ(Call(*old), grpc::StatusCode::OK);
}

// A TLS session is resumed without a look at the client's certificate (RFC 5246 section 7.3).
TEST_F(TlsCredentialsTest, ASessionFromBeforeIsNotResumed) {
  Serve();
  const std::string session = served_.pki().File("session");
  const auto connect = [&](const char* option) {
    return Openssl("client", {"-tls1_2", "-alpn", "h2", option, session});
  };
  EXPECT_THAT(connect("-sess_out").out, HasSubstr("New, TLSv1.2"));
  EXPECT_THAT(connect("-sess_in").out, HasSubstr("Reused, TLSv1.2"));
  ServedTlsFiles::Put(served_.files().client_ca, served_.Read("other-ca.pem"));
  EXPECT_TRUE(Eventually([&] { return CallAs("stranger") == grpc::StatusCode::OK; }));
  const auto resumed = connect("-sess_in");
  EXPECT_NE(resumed.exit_code, 0);
  EXPECT_THAT(resumed.out, Not(HasSubstr("Reused, ")));
}

TEST_F(TlsCredentialsTest, EveryAddressOfANameIsServed) {
  Serve("localhost");
  const auto localhost = Connect("client", "localhost");
  EXPECT_EQ(Call(*localhost), grpc::StatusCode::OK);
  EXPECT_EQ(CallAs("client"), grpc::StatusCode::OK);
  ServedTlsFiles::Put(served_.files().client_ca, served_.Read("other-ca.pem"));
  EXPECT_TRUE(Eventually([&] { return CallAs("client") == grpc::StatusCode::UNAVAILABLE; }));
}

}  // namespace
}  // namespace keyward::server
