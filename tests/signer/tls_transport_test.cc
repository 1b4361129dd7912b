// Syslog over TLS against a server of OpenSSL's.
#include "signer/audit/tls_transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "signer/audit/forwarding_sink.h"
#include "tests/signer/syslog_receivers.h"
#include "tests/testing/subprocess.h"
#include "tests/testing/temp_dir.h"

namespace keyward::signer {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kPatience = absl::Seconds(60);

std::string Line(int sequence) {
  return absl::StrCat(R"({"sequence":)", sequence, R"(,"time":"2026-01-02T03:04:05Z"})");
}

class TlsTransportTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    signal(SIGPIPE, SIG_IGN);
    dir_ = std::make_unique<keyward::testing::TempDir>();
    for (const char* pki : {"pki", "other"}) {
      const auto made =
          keyward::testing::Run({KEYWARD_SOURCE_DIR "/scripts/dev-pki", dir_->File(pki)});
      ASSERT_EQ(made.exit_code, 0) << made.err;
    }
  }
  static void TearDownTestSuite() { dir_.reset(); }

  static std::string File(absl::string_view name) { return dir_->File(name); }

  static TlsReceiver::Options Server() {
    return {.certificate = File("pki/signer.pem"), .private_key = File("pki/signer.key")};
  }
  static TlsTransportOptions Client(const TlsReceiver& receiver) {
    return {.address = receiver.address(), .ca = File("pki/ca.pem")};
  }
  static absl::StatusOr<std::unique_ptr<AuditTransport>> Connect(
      const TlsTransportOptions& options, absl::Duration patience = kPatience) {
    return ConnectTlsSyslog(options, absl::Now() + patience);
  }
  static ForwardConfig Config(const TlsReceiver& receiver, bool required) {
    return {.kind = ForwardConfig::Kind::kSyslogTls,
            .address = receiver.address(),
            .ca = File("pki/ca.pem"),
            .required = required};
  }

  static std::unique_ptr<keyward::testing::TempDir> dir_;
};

std::unique_ptr<keyward::testing::TempDir> TlsTransportTest::dir_;

TEST_F(TlsTransportTest, CountsOctetsExactly) {
  TlsReceiver receiver(Server());
  auto transport = Connect(Client(receiver));
  ASSERT_TRUE(transport.ok()) << transport.status();
  // Enough for several records of TLS.
  constexpr int kLines = 500;
  for (int sequence = 1; sequence <= kLines; ++sequence) {
    ASSERT_TRUE((*transport)->Send(Line(sequence), absl::Now() + kPatience).ok());
  }
  ASSERT_TRUE((*transport)->Flush(absl::Now() + kPatience).ok());
  const auto messages = SplitOctetCounted(receiver.Await(Line(kLines)));
  ASSERT_EQ(messages.size(), kLines);
  for (int sequence = 1; sequence <= kLines; ++sequence) {
    const std::string& message = messages[static_cast<size_t>(sequence) - 1];
    EXPECT_THAT(message, StartsWith("<85>1 2026-01-02T03:04:05.000000Z "));
    EXPECT_THAT(message, EndsWith(" audit - " + Line(sequence)));
  }
}

TEST_F(TlsTransportTest, ShowsItsOwnCertificate) {
  TlsReceiver::Options server = Server();
  server.client_ca = File("pki/ca.pem");
  TlsReceiver receiver(server);
  TlsTransportOptions client = Client(receiver);
  client.certificate = File("pki/exchange.pem");
  client.private_key = File("pki/exchange.key");
  auto transport = Connect(client);
  ASSERT_TRUE(transport.ok()) << transport.status();
  ASSERT_TRUE((*transport)->Send(Line(1), absl::Now() + kPatience).ok());
  ASSERT_TRUE((*transport)->Flush(absl::Now() + kPatience).ok());
  EXPECT_THAT(receiver.Await(Line(1)), HasSubstr(Line(1)));
  EXPECT_THAT(receiver.client(), HasSubstr("CN=localhost"));
}

TEST_F(TlsTransportTest, AServerThatWantsACertificateIsSeenToRefuse) {
  TlsReceiver::Options server = Server();
  server.client_ca = File("pki/ca.pem");
  TlsReceiver receiver(server);
  auto transport = Connect(Client(receiver));
  // TLS 1.3 tells it after the client's handshake is done.
  absl::Status status = transport.status();
  for (const absl::Time end = absl::Now() + kPatience; status.ok() && absl::Now() < end;) {
    status = (*transport)->CheckAlive();
  }
  EXPECT_FALSE(status.ok());
}

TEST_F(TlsTransportTest, RefusesACertificateOfAnotherAuthority) {
  TlsReceiver receiver(Server());
  TlsTransportOptions client = Client(receiver);
  client.ca = File("other/ca.pem");
  const auto transport = Connect(client);
  EXPECT_THAT(std::string(transport.status().message()), HasSubstr("its certificate is refused: "));
}

TEST_F(TlsTransportTest, RefusesACertificateForAnotherHost) {
  TlsReceiver receiver(Server());
  TlsTransportOptions client = Client(receiver);
  // The same server, under an address that its certificate does not have.
  client.address = absl::StrCat("127.0.0.2:", receiver.port());
  EXPECT_THAT(std::string(Connect(client).status().message()),
              HasSubstr("its certificate is refused: IP address mismatch"));
  client.address = absl::StrCat("ip6-localhost:", receiver.port());
  EXPECT_FALSE(Connect(client).ok());
  client.address = absl::StrCat("localhost:", receiver.port());
  EXPECT_TRUE(Connect(client).ok());
}

TEST_F(TlsTransportTest, RefusesACertificateThatIsForClients) {
  TlsReceiver::Options server = Server();
  server.certificate = File("pki/backend.pem");
  server.private_key = File("pki/backend.key");
  TlsReceiver receiver(server);
  EXPECT_FALSE(Connect(Client(receiver)).ok());
}

TEST_F(TlsTransportTest, RefusesTls11AndTakesTls12) {
  TlsReceiver::Options server = Server();
  server.max_version = TLS1_1_VERSION;
  {
    TlsReceiver receiver(server);
    EXPECT_FALSE(Connect(Client(receiver)).ok());
  }
  server.max_version = TLS1_2_VERSION;
  TlsReceiver receiver(server);
  EXPECT_TRUE(Connect(Client(receiver)).ok());
}

TEST_F(TlsTransportTest, NobodyThereAndNobodyWhoAnswers) {
  const TlsTransportOptions absent = {
      .address = absl::StrCat("127.0.0.1:", keyward::testing::FreePort()),
      .ca = File("pki/ca.pem")};
  EXPECT_THAT(std::string(Connect(absent).status().message()), HasSubstr("cannot connect"));
  // A port that takes connections and says nothing.
  const UniqueFd silent(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  ASSERT_EQ(bind(silent.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(silent.get(), 1), 0);
  socklen_t length = sizeof(address);
  getsockname(silent.get(), reinterpret_cast<sockaddr*>(&address), &length);
  const TlsTransportOptions mute = {.address = absl::StrCat("127.0.0.1:", ntohs(address.sin_port)),
                                    .ca = File("pki/ca.pem")};
  EXPECT_EQ(Connect(mute, absl::Milliseconds(100)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TlsTransportTest, AServerThatReadsNothingIsGivenUp) {
  TlsReceiver::Options server = Server();
  server.hangs = true;
  TlsReceiver receiver(server);
  auto transport = Connect(Client(receiver));
  ASSERT_TRUE(transport.ok()) << transport.status();
  const std::string line(1 << 16, 'x');
  absl::Status status;
  for (int i = 0; status.ok() && i < 10000; ++i) {
    status = (*transport)->Send(line, absl::Now() + absl::Milliseconds(200));
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
}

TEST_F(TlsTransportTest, ASinkComesBackWithItsServer) {
  auto receiver = std::make_unique<TlsReceiver>(Server());
  const int port = receiver->port();
  const auto sink = NewAuditSink(Config(*receiver, /*required=*/true));
  ASSERT_TRUE(sink.ok()) << sink.status();
  ASSERT_TRUE((*sink)->CheckReady().ok());
  ASSERT_TRUE((*sink)->Deliver({Line(1)}).ok());
  EXPECT_THAT(receiver->Await(Line(1)), HasSubstr(Line(1)));

  receiver.reset();
  for (const absl::Time end = absl::Now() + kPatience; absl::Now() < end;) {
    if (!(*sink)->CheckReady().ok()) break;
  }
  EXPECT_EQ(ReasonOf((*sink)->CheckReady()), "AUDIT_FORWARD_UNAVAILABLE");
  EXPECT_EQ(ReasonOf((*sink)->Deliver({Line(2)})), "AUDIT_FORWARD_UNAVAILABLE");

  TlsReceiver::Options again = Server();
  again.port = port;
  receiver = std::make_unique<TlsReceiver>(again);
  ASSERT_TRUE((*sink)->AwaitConnected(absl::Now() + kPatience));
  ASSERT_TRUE((*sink)->Deliver({Line(3)}).ok());
  const auto messages = SplitOctetCounted(receiver->Await(Line(3)));
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_THAT(messages[0], EndsWith(Line(2)));
  EXPECT_THAT(messages[1], EndsWith(Line(3)));
}

TEST_F(TlsTransportTest, ASinkOfAnUntrustedServerIsNotReady) {
  TlsReceiver receiver(Server());
  ForwardConfig config = Config(receiver, /*required=*/true);
  config.ca = File("other/ca.pem");
  const auto sink = NewAuditSink(config);
  ASSERT_TRUE(sink.ok()) << sink.status();
  EXPECT_EQ(ReasonOf((*sink)->CheckReady()), "AUDIT_FORWARD_UNAVAILABLE");
  config.ca = File("other/absent.pem");
  EXPECT_THAT(std::string(NewAuditSink(config).status().message()),
              HasSubstr("audit.forward.ca: " + config.ca + ": cannot be read"));
  EXPECT_EQ(*NewAuditSink({}), nullptr);
}

}  // namespace
}  // namespace keyward::signer
