// The yardstick of exchange_bench: the service Exchange as keyward-exchange serves it,
// with the same TLS, limits, threads and calls asked for, but every answer is empty and
// nobody asks who calls.
//
//   empty_exchange_server --config exchange.yaml
#include <grpcpp/completion_queue.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/async_unary_call.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/exchange/config.h"
#include "client/exchange/exchange_service.h"
#include "common/server/daemon.h"
#include "common/server/grpc_server.h"
#include "common/server/tls_credentials.h"
#include "common/status_macros.h"
#include "keyward/v1/exchange.grpc.pb.h"

namespace keyward::bench {
namespace {

using EmptyService = v1::Exchange::WithAsyncMethod_Exchange<v1::Exchange::Service>;

// Lives as ExchangeService's calls do.
class EmptyCall {
 public:
  static void Ask(EmptyService& service, grpc::ServerCompletionQueue& queue) {
    auto* call = new EmptyCall(service, queue);
    service.RequestExchange(&call->context_, &call->request_, &call->responder_, &queue, &queue,
                            call);
  }

  void Proceed(bool ok) {
    if (answered_ || !ok) {
      delete this;
      return;
    }
    answered_ = true;
    Ask(service_, queue_);
    responder_.Finish(v1::ExchangeResponse(), grpc::Status::OK, this);
  }

 private:
  EmptyCall(EmptyService& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue), responder_(&context_) {}

  EmptyService& service_;
  grpc::ServerCompletionQueue& queue_;
  grpc::ServerContext context_;
  v1::ExchangeRequest request_;
  grpc::ServerAsyncResponseWriter<v1::ExchangeResponse> responder_;
  bool answered_ = false;
};

class EmptyServer final : public server::RunningDaemon {
 public:
  static absl::StatusOr<std::unique_ptr<EmptyServer>> New(const exchange::ExchangeConfig& config) {
    auto server = std::make_unique<EmptyServer>();
    ASSIGN_OR_RETURN(server->tls_, server::ReloadingTlsCredentials::New(config.tls));
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(config.listen, server->tls_, &port);
    server::LimitResources(builder, {.name = "empty_exchange_server"});
    builder.RegisterService(&server->service_);
    server->queue_ = builder.AddCompletionQueue();
    server->server_ = builder.BuildAndStart();
    if (server->server_ == nullptr || port == 0) return absl::UnavailableError(config.listen);
    server->address_ = absl::StrCat(config.listen.substr(0, config.listen.rfind(':')), ":", port);
    server->Serve();
    return server;
  }

  ~EmptyServer() override {
    if (server_ != nullptr) Drain();
  }

  std::string address() const override { return address_; }

  void Drain() override {
    server_->Shutdown(std::chrono::system_clock::now());
    queue_->Shutdown();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    server_.reset();
  }

 private:
  void Serve() {
    using exchange::ExchangeService;
    for (int i = 0; i < ExchangeService::kCallsAskedFor; ++i) EmptyCall::Ask(service_, *queue_);
    for (int i = 0; i < ExchangeService::PollingThreads(); ++i) {
      threads_.emplace_back([this] {
        void* tag = nullptr;
        bool ok = false;
        while (queue_->Next(&tag, &ok)) static_cast<EmptyCall*>(tag)->Proceed(ok);
      });
    }
  }

  EmptyService service_;
  std::shared_ptr<server::ReloadingTlsCredentials> tls_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::thread> threads_;
  std::string address_;
};

}  // namespace
}  // namespace keyward::bench

int main(int argc, char** argv) {
  keyward::exchange::ExchangeConfig config;
  return keyward::server::RunDaemon(
      {.name = "empty_exchange_server",
       .about = "Answers Exchange with nothing, for exchange_bench.",
       .version = "1",
       .load = [&](const std::string& file) -> absl::Status {
         ASSIGN_OR_RETURN(config, keyward::exchange::LoadConfig(file));
         return absl::OkStatus();
       },
       .start = [&]() -> absl::StatusOr<std::unique_ptr<keyward::server::RunningDaemon>> {
         return keyward::bench::EmptyServer::New(config);
       }},
      argc, argv);
}
