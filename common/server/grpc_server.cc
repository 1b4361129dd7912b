#include "common/server/grpc_server.h"

#include <grpc/impl/codegen/grpc_types.h>
#include <grpcpp/resource_quota.h>

#include <memory>
#include <utility>
#include <vector>

#include "common/server/reflection_limit.h"

namespace keyward::server {
namespace {

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

}  // namespace

void LimitResources(grpc::ServerBuilder& builder, const GrpcLimits& limits) {
  builder.SetMaxReceiveMessageSize(limits.max_request_bytes);
  builder.SetResourceQuota(grpc::ResourceQuota(limits.name).SetMaxThreads(limits.max_threads));
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<ReflectionLimit>(limits.max_reflections));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.max_calls_of_a_connection);
  // A client whose certificate has expired or lost its CA is asked for a new one.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(limits.connection_age));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS,
                             Milliseconds(limits.connection_grace));
  // gRPC would wait for 2 minutes.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             Milliseconds(limits.handshake_timeout));
  // gRPC would allow a ping in 5 minutes, and without a call one in 2 hours.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             Milliseconds(limits.min_ping_interval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Without it a second daemon could share the port and take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, limits.synchronous_pollers);
}

}  // namespace keyward::server
