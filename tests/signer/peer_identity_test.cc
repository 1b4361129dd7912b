#include "signer/peer_identity.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/server/grpc_status.h"
#include "common/server/listen_address.h"
#include "common/server/tls_credentials.h"
#include "keyward/v1/signer.grpc.pb.h"
#include "signer/callers.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Answers with the caller's identity in place of a JWS.
class IdentityService final : public v1::Signer::Service {
 public:
  grpc::Status Sign(grpc::ServerContext* context, const v1::SignRequest* /*request*/,
                    v1::SignResponse* response) override {
    const auto identity = callers->IdentityOf(*context);
    if (!identity.ok()) {
      // The reason goes in front, to be seen without unpacking the details.
      return server::ToGrpcStatus(Annotate(identity.status(), *ReasonOf(identity.status())));
    }
    response->set_jws(*identity);
    return grpc::Status::OK;
  }

  std::unique_ptr<Callers> callers;
};

// What a transport that is not TLS, or that verified nothing, might say.
class FakeContext final : public grpc::AuthContext {
 public:
  FakeContext(std::string transport, bool authenticated)
      : properties_{{"transport_security_type", std::move(transport)},
                    {"x509_pem_cert", "PEM"},
                    {"peer_uri", "spiffe://a/b"}},
        authenticated_(authenticated) {}

  bool IsPeerAuthenticated() const override { return authenticated_; }
  std::vector<grpc::string_ref> FindPropertyValues(const std::string& name) const override {
    const auto found = properties_.find(name);
    if (found == properties_.end()) return {};
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
  bool authenticated_;
};

TEST(PeerIdentityContextTest, TrustsOnlyAnAuthenticatedTlsPeer) {
  EXPECT_EQ(*PeerIdentity(FakeContext("ssl", true)), "spiffe://a/b");
  EXPECT_EQ(*PeerIdentity(FakeContext("tls", true)), "spiffe://a/b");
  for (const FakeContext& context : {FakeContext("ssl", false), FakeContext("alts", true),
                                     FakeContext("local", true), FakeContext("", true)}) {
    EXPECT_EQ(ReasonOf(PeerIdentity(context).status()), "CLIENT_CERTIFICATE_MISSING");
  }
}

// A server on a free port, and a CA that issues client certificates.
class PeerIdentityTest : public ::testing::Test {
 protected:
  PeerIdentityTest() {
    Openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-subj", "/CN=ca", "-keyout", File("ca.key"), "-out", File("ca.pem")});
    Issue("server", "/CN=localhost", "DNS:localhost");
  }
  ~PeerIdentityTest() override {
    if (server_) server_->Shutdown();
    // Before the credentials.
    server_.reset();
  }

  static void Openssl(std::vector<std::string> argv) {
    argv.insert(argv.begin(), "openssl");
    const auto finished = keyward::testing::Run(argv);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
  }

  void Issue(const std::string& name, const std::string& subject, const std::string& san) const {
    std::vector<std::string> request = {"req",
                                        "-new",
                                        "-newkey",
                                        "ec",
                                        "-pkeyopt",
                                        "ec_paramgen_curve:P-256",
                                        "-nodes",
                                        "-subj",
                                        subject,
                                        "-keyout",
                                        File(name + ".key"),
                                        "-out",
                                        File(name + ".csr")};
    if (!san.empty()) {
      request.insert(request.end(), {"-addext", "subjectAltName=" + san});
    }
    Openssl(request);
    Openssl({"x509", "-req", "-in", File(name + ".csr"), "-CA", File("ca.pem"), "-CAkey",
             File("ca.key"), "-copy_extensions", "copy", "-out", File(name + ".pem")});
  }

  // As the daemons do.
  void ServeTls() {
    auto credentials = server::ReloadingTlsCredentials::New({.certificate = File("server.pem"),
                                                             .private_key = File("server.key"),
                                                             .client_ca = File("ca.pem")});
    ASSERT_TRUE(credentials.ok()) << credentials.status();
    credentials_ = *std::move(credentials);
    Serve(credentials_);
  }

  void Serve(const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    service_.callers = std::make_unique<Callers>(CallersOptions{
        .verifiers = credentials_ == nullptr ? nullptr : &credentials_->client_verifiers(),
        .socket_identity = socket_identity_});
    grpc::ServerBuilder builder;
    builder.AddListeningPort("localhost:0", credentials, &port_);
    if (socket_ != nullptr) {
      builder.AddListeningPort(socket_->bind_address(),
                               grpc::experimental::LocalServerCredentials(UDS));
    }
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    if (socket_ != nullptr) {
      ASSERT_TRUE(socket_->Publish().ok());
    }
  }

  std::string CallWith(const std::shared_ptr<grpc::ChannelCredentials>& credentials) const {
    return CallAt("localhost:" + std::to_string(port_), credentials);
  }

  static std::string CallAt(const std::string& address,
                            const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    const auto channel = grpc::CreateChannel(address, credentials);
    grpc::ClientContext context;
    v1::SignResponse response;
    const grpc::Status status = v1::Signer::NewStub(channel)->Sign(&context, {}, &response);
    return status.ok() ? response.jws() : status.error_message();
  }

  // What the server makes of the certificate `name`, of none where it is "".
  std::string Call(const std::string& name) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Read("ca.pem");
    if (!name.empty()) {
      options.pem_private_key = Read(name + ".key");
      options.pem_cert_chain = Read(name + ".pem");
    }
    return CallWith(grpc::SslCredentials(options));
  }

  std::string CallAs(const std::string& subject, const std::string& san) const {
    Issue("client", subject, san);
    return Call("client");
  }

  std::string File(const std::string& name) const { return dir_.File(name); }
  std::string Read(const std::string& name) const { return *ReadFile(File(name)); }

  keyward::testing::TempDir dir_;
  IdentityService service_;
  // Null for none.
  std::unique_ptr<server::UnixSocketPlace> socket_;
  std::string socket_identity_;
  std::shared_ptr<server::ReloadingTlsCredentials> credentials_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(PeerIdentityTest, ReadsTheNamesOfARealClientCertificate) {
  ServeTls();
  EXPECT_EQ(CallAs("/CN=someone", "URI:spiffe://keyward.example/backend,DNS:a.example"),
            "spiffe://keyward.example/backend");
  EXPECT_EQ(CallAs("/", "URI:spiffe://keyward.example/nameless"),
            "spiffe://keyward.example/nameless");
  EXPECT_EQ(CallAs("/CN=someone", "DNS:Host.Example,email:a@b.example"), "dns:host.example");
  EXPECT_EQ(CallAs("/O=Example/CN=Some One", ""), "cn:Some One");
  EXPECT_EQ(CallAs("/CN=someone", "IP:127.0.0.1"), "cn:someone");
}

TEST_F(PeerIdentityTest, RefusesCertificatesWhoseNamesDoNotIdentify) {
  ServeTls();
  for (const char* san : {"URI:spiffe://a/b,URI:spiffe://a/c", "URI:spiffe://a/b,URI:https://a/c",
                          "URI:spiffe://a", "DNS:a.example,DNS:b.example", "DNS:*.example.com"}) {
    EXPECT_THAT(CallAs("/CN=someone", san), HasSubstr("CLIENT_IDENTITY_INVALID")) << san;
  }
  EXPECT_THAT(CallAs("/O=Example", ""), HasSubstr("CLIENT_IDENTITY_INVALID"));
}

TEST_F(PeerIdentityTest, RefusesACallerWithoutCertificate) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = Read("ca.pem");
  options.pem_key_cert_pairs.push_back({Read("server.key"), Read("server.pem")});
  Serve(grpc::SslServerCredentials(options));
  EXPECT_THAT(Call(""), HasSubstr("CLIENT_CERTIFICATE_MISSING"));
}

TEST_F(PeerIdentityTest, RefusesACallerWithoutTls) {
  Serve(grpc::InsecureServerCredentials());
  EXPECT_THAT(CallWith(grpc::InsecureChannelCredentials()),
              HasSubstr("CLIENT_CERTIFICATE_MISSING"));
}

TEST_F(PeerIdentityTest, ReadsTheSocketsIdentity) {
  const std::string path = File("s.sock");
  auto place = server::UnixSocketPlace::New({.path = path});
  ASSERT_TRUE(place.ok()) << place.status();
  socket_ = *std::move(place);
  socket_identity_ = "spiffe://keyward.example/socket";
  ServeTls();
  const auto local = grpc::experimental::LocalCredentials(UDS);
  EXPECT_EQ(CallAt("unix:" + path, local), "spiffe://keyward.example/socket");
  // A plain client too, since it is the socket's mode that decides.
  EXPECT_EQ(CallAt("unix:" + path, grpc::InsecureChannelCredentials()),
            "spiffe://keyward.example/socket");
  // Over TCP a caller is what its certificate says, and without one nobody.
  EXPECT_EQ(CallAs("/CN=someone", "URI:spiffe://keyward.example/backend"),
            "spiffe://keyward.example/backend");
  EXPECT_THAT(Call(""), Not(HasSubstr("spiffe")));
}

TEST_F(PeerIdentityTest, RefusesASocketThatHasNoIdentity) {
  const std::string path = File("s.sock");
  auto place = server::UnixSocketPlace::New({.path = path});
  ASSERT_TRUE(place.ok()) << place.status();
  socket_ = *std::move(place);
  ServeTls();
  EXPECT_THAT(CallAt("unix:" + path, grpc::experimental::LocalCredentials(UDS)),
              HasSubstr("CLIENT_CERTIFICATE_MISSING"));
}

// gRPC's properties of it are the same as of a socket, and anybody on the machine may open it.
TEST_F(PeerIdentityTest, ALoopbackConnectionIsNoSocket) {
  socket_identity_ = "spiffe://keyward.example/socket";
  Serve(grpc::experimental::LocalServerCredentials(LOCAL_TCP));
  EXPECT_THAT(CallWith(grpc::experimental::LocalCredentials(LOCAL_TCP)),
              HasSubstr("CLIENT_CERTIFICATE_MISSING"));
}

}  // namespace
}  // namespace keyward::signer
