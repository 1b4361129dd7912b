// How many calls of server reflection may be open at once.
#ifndef KEYWARD_COMMON_SERVER_REFLECTION_LIMIT_H_
#define KEYWARD_COMMON_SERVER_REFLECTION_LIMIT_H_

#include <grpcpp/support/server_interceptor.h>

#include <atomic>
#include <memory>

namespace keyward::server {

// gRPC's own reflection service holds a thread of the synchronous API for each stream,
// for as long as the client likes, and whoever has a certificate may open streams,
// without a role. What comes beyond the limit is ended at once with CANCELLED, all that
// an interceptor can answer, so that threads are left for health checks and
// administration. Thread-safe.
class ReflectionLimit final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit ReflectionLimit(int max_calls) : max_calls_(max_calls) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override;

 private:
  const int max_calls_;
  // Shared with the calls, of which the last may end after the server.
  const std::shared_ptr<std::atomic<int>> calls_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_REFLECTION_LIMIT_H_
