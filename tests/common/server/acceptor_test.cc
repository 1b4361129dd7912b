#include "common/server/acceptor.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/server/grpc_server.h"
#include "common/server/health_service.h"
#include "tests/common/server/tcp_clients.h"

namespace keyward::server {
namespace {

using ::testing::HasSubstr;

// As CapturedLog, also for code that logs on another thread. Lives longer than that code.
class SharedLog {
 public:
  SharedLog() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("captured", lines_));
  }
  ~SharedLog() { spdlog::set_default_logger(before_); }
  SharedLog(const SharedLog&) = delete;
  SharedLog& operator=(const SharedLog&) = delete;

  std::string text() const { return absl::StrJoin(lines_->last_formatted(), ""); }

 private:
  std::shared_ptr<spdlog::logger> before_;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines_ =
      std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
};

class AcceptorTest : public ::testing::Test {
 protected:
  ~AcceptorTest() override {
    if (acceptor_ != nullptr) acceptor_->Stop();
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  }

  void Serve(ConnectionLimits limits, const GrpcLimits& grpc_limits = {.name = "test"}) {
    auto acceptor = Acceptor::New("127.0.0.1:0", limits);
    ASSERT_TRUE(acceptor.ok()) << acceptor.status();
    acceptor_ = *std::move(acceptor);
    grpc::ServerBuilder builder;
    acceptor_->AddTo(builder, grpc::InsecureServerCredentials());
    LimitResources(builder, grpc_limits);
    builder.RegisterService(&health_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    acceptor_->Start();
  }

  // A channel of its own, so a connection of its own.
  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", acceptor_->port()),
                                     grpc::InsecureChannelCredentials(), arguments);
  }

  static bool Answers(const std::shared_ptr<grpc::Channel>& channel) {
    return channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30));
  }

  UniqueFd Connect(const char* from) const { return ConnectFrom(from, acceptor_->port()); }

  void WaitForOpen(size_t count) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (acceptor_->stats().open != count && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    EXPECT_EQ(acceptor_->stats().open, count);
  }

  SharedLog log_;
  HealthService health_{{}};
  std::unique_ptr<Acceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(AcceptorTest, CountsConnectionsUntilTheyEnd) {
  Serve({});
  {
    const auto one = Channel();
    const auto another = Channel();
    EXPECT_TRUE(Answers(one));
    EXPECT_TRUE(Answers(another));
    EXPECT_EQ(acceptor_->stats().open, 2U);
  }
  WaitForOpen(0);
}

TEST_F(AcceptorTest, WhoSaysNothingIsClosedInTime) {
  Serve({}, {.name = "test", .handshake_timeout = absl::Milliseconds(50)});
  const UniqueFd silent = Connect("127.0.0.1");
  EXPECT_TRUE(WaitForEnd(silent));
  WaitForOpen(0);
}

TEST_F(AcceptorTest, AFloodFromOneAddressKeepsNoOtherOut) {
  Serve({.connections = 50, .connections_per_address = 50});
  std::vector<UniqueFd> flood;
  for (int i = 0; i < 500; ++i) {
    flood.push_back(Connect("127.0.0.2"));
    // Not silent, but no HTTP/2 either.
    send(flood.back().get(), "P", 1, MSG_NOSIGNAL);
    EXPECT_LE(acceptor_->stats().open, 50U + 64U);
  }
  std::vector<std::shared_ptr<grpc::Channel>> good;
  for (int i = 0; i < 20; ++i) {
    good.push_back(Channel());
    EXPECT_TRUE(Answers(good.back())) << i;
  }
  EXPECT_GT(acceptor_->stats().refused, 0);
}

TEST_F(AcceptorTest, GoesOnAfterDescriptorsHaveRunOut) {
  Serve({.connections = 60000, .connections_per_address = 60000});
  ASSERT_TRUE(Answers(Channel()));
  WaitForOpen(0);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const absl::Cleanup restore = [&] { setrlimit(RLIMIT_NOFILE, &before); };
  // The next descriptor is the client's, and there is none for the server.
  UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::vector<UniqueFd> fill;
  const rlimit low = {static_cast<rlim_t>(client.get()) + 64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  for (;;) {
    UniqueFd one(dup(client.get()));
    if (one.get() < 0) break;
    fill.push_back(std::move(one));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(acceptor_->port()));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (log_.text().find("no connection can be taken") == std::string::npos &&
         absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_THAT(log_.text(), HasSubstr("no connection can be taken at the moment: Too many open"));
  fill.clear();
  WaitForOpen(1);
  EXPECT_TRUE(Answers(Channel()));
}

TEST_F(AcceptorTest, TakesNoMoreThanTheProcessHasDescriptorsFor) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const absl::Cleanup restore = [&] { setrlimit(RLIMIT_NOFILE, &before); };
  const rlimit low = {400, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  Serve({.connections = 1000, .connections_per_address = 1000});
  EXPECT_THAT(log_.text(), HasSubstr("limits.connections: 200 connections instead of 1000"));
}

TEST_F(AcceptorTest, ListensNoMoreOnceStopped) {
  Serve({});
  const auto channel = Channel();
  ASSERT_TRUE(Answers(channel));
  acceptor_->Stop();
  EXPECT_TRUE(ListenOn(absl::StrCat("127.0.0.1:", acceptor_->port())).ok());
}

}  // namespace
}  // namespace keyward::server
