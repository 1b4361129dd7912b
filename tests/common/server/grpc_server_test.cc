// LimitResources(), with a client that speaks HTTP/2 (RFC 9113) by hand.
#include "common/server/grpc_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/server/health_service.h"
#include "common/unique_fd.h"

namespace keyward::server {
namespace {

using ::testing::HasSubstr;

constexpr char kPing = 0x6;
constexpr char kGoaway = 0x7;
constexpr char kAck = 0x1;
constexpr size_t kFrameHeader = 9;

struct Frame {
  char type = 0;
  char flags = 0;
  std::string payload;
};

class Http2Client {
 public:
  explicit Http2Client(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    // The preface, and empty SETTINGS.
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string("\0\0\0\4\0\0\0\0\0", kFrameHeader));
  }

  void Ping() const { Send(std::string("\0\0\x08\x06\0\0\0\0\0", kFrameHeader) + "keyward!"); }

  // Until the server answers a ping or ends the connection.
  std::optional<Frame> NextAnswer() const {
    for (;;) {
      const std::string header = Receive(kFrameHeader);
      if (header.size() < kFrameHeader) return std::nullopt;
      // No frame that is expected has more than 255 bytes.
      Frame frame = {header[3], header[4], Receive(static_cast<unsigned char>(header[2]))};
      if (frame.type == kGoaway || (frame.type == kPing && frame.flags == kAck)) return frame;
    }
  }

 private:
  void Send(const std::string& bytes) const {
    (void)send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  std::string Receive(size_t size) const {
    std::string bytes(size, '\0');
    const ssize_t count = size == 0 ? 0 : recv(socket_.get(), bytes.data(), size, MSG_WAITALL);
    bytes.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return bytes;
  }

  const UniqueFd socket_{socket(AF_INET, SOCK_STREAM, 0)};
};

class GrpcServerTest : public ::testing::Test {
 protected:
  ~GrpcServerTest() override {
    if (server_) server_->Shutdown();
  }

  void Serve(const GrpcLimits& limits) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&health_);
    LimitResources(builder, limits);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
  }

  HealthService health_{{}};
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(GrpcServerTest, AClientMayPingAsOftenAsTheLimitSaysWithoutACall) {
  Serve({.name = "test", .min_ping_interval = absl::ZeroDuration()});
  const Http2Client client(port_);
  for (int i = 0; i < 20; ++i) {
    client.Ping();
    const auto answer = client.NextAnswer();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->type, kPing);
    EXPECT_EQ(answer->payload, "keyward!");
  }
}

TEST_F(GrpcServerTest, AClientThatPingsMoreOftenHasToLeave) {
  Serve({.name = "test"});
  const Http2Client client(port_);
  std::optional<Frame> answer;
  for (int i = 0; i < 20; ++i) {
    client.Ping();
    answer = client.NextAnswer();
    if (!answer.has_value() || answer->type == kGoaway) break;
  }
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->type, kGoaway);
  EXPECT_THAT(answer->payload, HasSubstr("too_many_pings"));
}

TEST_F(GrpcServerTest, ThePortIsNotShared) {
  Serve({.name = "test"});
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", port_), grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(&health_);
  LimitResources(builder, {.name = "test"});
  EXPECT_EQ(builder.BuildAndStart(), nullptr);
}

}  // namespace
}  // namespace keyward::server
