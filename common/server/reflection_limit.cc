#include "common/server/reflection_limit.h"

#include <grpcpp/server_context.h>

#include <utility>

#include "absl/strings/match.h"

namespace keyward::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// v1alpha, and v1 of later releases of gRPC.
constexpr char kPrefix[] = "/grpc.reflection.";

// gRPC destroys it with the call.
class ReflectionCall final : public grpc::experimental::Interceptor {
 public:
  ReflectionCall(ServerRpcInfo* info, std::shared_ptr<std::atomic<int>> calls, int max_calls)
      : info_(info), calls_(std::move(calls)), too_many_(calls_->fetch_add(1) >= max_calls) {}
  ~ReflectionCall() override { calls_->fetch_sub(1); }
  ReflectionCall(const ReflectionCall&) = delete;
  ReflectionCall& operator=(const ReflectionCall&) = delete;

  void Intercept(InterceptorBatchMethods* methods) override {
    if (too_many_ &&
        methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      info_->server_context()->TryCancel();
    }
    methods->Proceed();
  }

 private:
  ServerRpcInfo* const info_;
  const std::shared_ptr<std::atomic<int>> calls_;
  const bool too_many_;
};

}  // namespace

grpc::experimental::Interceptor* ReflectionLimit::CreateServerInterceptor(ServerRpcInfo* info) {
  if (!absl::StartsWith(info->method(), kPrefix)) return nullptr;
  // gRPC takes it over.
  return new ReflectionCall(info, calls_, max_calls_);
}

}  // namespace keyward::server
