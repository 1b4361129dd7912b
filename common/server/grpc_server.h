// What every gRPC server of ours allows its clients to take.
#ifndef KEYWARD_COMMON_SERVER_GRPC_SERVER_H_
#define KEYWARD_COMMON_SERVER_GRPC_SERVER_H_

#include <grpcpp/server_builder.h>

#include <string>

#include "absl/time/time.h"

namespace keyward::server {

struct GrpcLimits {
  // Of the daemon, for gRPC's own messages.
  std::string name;
  int max_request_bytes = 64 * 1024;
  // Also for calls that stay: reflection, Watch.
  int max_threads = 256;
  int max_calls_of_a_connection = 1000;
  // Streams of server reflection, each of which keeps one of those threads; more are
  // ended with CANCELLED.
  int max_reflections = 32;
  // Threads that wait for calls of the synchronous API.
  int synchronous_pollers = 4;
  // Then a client is asked for a new connection, and with it for its certificate.
  absl::Duration connection_age = absl::Hours(1);
  absl::Duration connection_grace = absl::Minutes(1);
  // A connection that has not got as far as HTTP/2's SETTINGS by then, TLS included, is closed: who
  // has no certificate has its place no longer than that.
  absl::Duration handshake_timeout = absl::Seconds(10);
  // Clients may send an HTTP/2 PING this often, also while they have no call. One that pings
  // every 20 s is well within it, also where the network brings two pings together; one that
  // pings more often has its connection ended (ENHANCE_YOUR_CALM, RFC 9113 section 7).
  absl::Duration min_ping_interval = absl::Seconds(10);
};

// Sets the limits, and that the port is not shared with another process.
void LimitResources(grpc::ServerBuilder& builder, const GrpcLimits& limits);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_GRPC_SERVER_H_
