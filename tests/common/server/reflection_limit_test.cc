// Streams of server reflection that stay open, and what is left of a server then.
#include "common/server/reflection_limit.h"

#include <gmock/gmock.h>
#include <grpc/health/v1/health.grpc.pb.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/server/grpc_server.h"
#include "common/server/health_service.h"

namespace keyward::server {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

void Wait(grpc::CompletionQueue& queue, bool* ok) {
  void* tag = nullptr;
  ASSERT_TRUE(queue.Next(&tag, ok));
}

// A stream that asks once and stays.
class ReflectionStream {
 public:
  explicit ReflectionStream(const std::shared_ptr<grpc::Channel>& channel) : stub_(channel) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    call_ = stub_.PrepareCall(
        &context_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue_);
    bool ok = false;
    call_->StartCall(nullptr);
    Wait(queue_, &ok);
    // Field 7 of ServerReflectionRequest, list_services.
    const grpc::Slice slice("\x3a\x01*");
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    Wait(queue_, &ok);
    grpc::ByteBuffer answer;
    call_->Read(&answer, nullptr);
    Wait(queue_, &answered_);
    if (!answered_) End();
  }
  ~ReflectionStream() {
    if (!ended_) End();
  }
  ReflectionStream(const ReflectionStream&) = delete;
  ReflectionStream& operator=(const ReflectionStream&) = delete;

  bool answered() const { return answered_; }
  const grpc::Status& status() const { return status_; }

 private:
  void End() {
    ended_ = true;
    if (answered_) context_.TryCancel();
    bool ok = false;
    call_->Finish(&status_, nullptr);
    Wait(queue_, &ok);
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool answered_ = false;
  bool ended_ = false;
  grpc::Status status_;
};

class ReflectionLimitTest : public ::testing::Test {
 protected:
  ReflectionLimitTest() {
    grpc::EnableDefaultHealthCheckService(false);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&health_);
    LimitResources(builder, {.name = "test"});
    server_ = builder.BuildAndStart();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    channel_ = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                         grpc::InsecureChannelCredentials(), arguments);
  }
  ~ReflectionLimitTest() override { server_->Shutdown(); }

  grpc::Status Check() {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    grpc::health::v1::HealthCheckResponse response;
    return grpc::health::v1::Health::NewStub(channel_)->Check(&context, {}, &response);
  }

  HealthService health_{{}};
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(ReflectionLimitTest, StreamsThatStayLeaveThreadsForOthers) {
  std::vector<std::unique_ptr<ReflectionStream>> streams;
  int answered = 0;
  for (int i = 0; i < 300; ++i) {
    streams.push_back(std::make_unique<ReflectionStream>(channel_));
    if (streams.back()->answered()) {
      ++answered;
    } else {
      EXPECT_EQ(streams.back()->status().error_code(), grpc::StatusCode::CANCELLED);
    }
  }
  EXPECT_EQ(answered, GrpcLimits().max_reflections);
  const grpc::Status checked = Check();
  EXPECT_TRUE(checked.ok()) << checked.error_message();

  // Those that end make room.
  streams.clear();
  const absl::Time end = absl::Now() + kPatience;
  bool again = false;
  while (!again && absl::Now() < end) again = ReflectionStream(channel_).answered();
  EXPECT_TRUE(again);
}

}  // namespace
}  // namespace keyward::server
