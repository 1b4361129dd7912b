// Takes the connections of a gRPC server, no more than it may have.
#ifndef KEYWARD_COMMON_SERVER_ACCEPTOR_H_
#define KEYWARD_COMMON_SERVER_ACCEPTOR_H_

#include <grpcpp/server_builder.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/server/connection_table.h"
#include "common/server/listening_sockets.h"
#include "common/unique_fd.h"

namespace keyward::server {

// gRPC 1.51 takes connections without limit, and gives up listening for good once there is no
// descriptor for one. So it is handed those that this takes (docs/adr/0010). In use:
//
//   ASSIGN_OR_RETURN(auto acceptor, Acceptor::New(listen, limits));
//   acceptor->AddTo(builder, credentials);
//   server = builder.BuildAndStart();
//   acceptor->Start();
//   ...
//   acceptor->Stop();
//   server->Shutdown();
//
// Not thread-safe, but for stats().
class Acceptor {
 public:
  // Listens on `address`; nothing is taken yet. Where the process may have fewer descriptors
  // (RLIMIT_NOFILE) than `limits` wants, these are lowered to leave some for the rest of it, and
  // the log says so. Errors: those of ListenOn().
  static absl::StatusOr<std::unique_ptr<Acceptor>> New(const std::string& address,
                                                       ConnectionLimits limits);
  // Stop().
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  int port() const { return port_; }

  // Once.
  void AddTo(grpc::ServerBuilder& builder, std::shared_ptr<grpc::ServerCredentials> credentials);

  // Begins to take connections, on a thread of its own; once, when the server has been started.
  void Start();

  // Listens no more. Before the server is shut down: gRPC would lose the descriptors of later
  // connections.
  void Stop();

  ConnectionStats stats() { return table_.stats(); }

 private:
  Acceptor(ListeningSockets listening, ConnectionLimits limits);

  void Run();
  void TakeFrom(int listener);
  // Where the system has no descriptor or memory for a connection.
  void WaitForRelief(int error);
  // Whether the thread is to end.
  bool WaitForStop(absl::Duration time) const;
  // Says now and then that connections were refused.
  void Tell();

  const int port_;
  // Null once stopped.
  std::unique_ptr<ListeningSockets> listening_;
  ConnectionTable table_;
  // Readable when the thread is to end.
  const UniqueFd stop_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> grpc_;
  // The thread's.
  absl::Time next_telling_ = absl::InfinitePast();
  absl::Time next_complaint_ = absl::InfinitePast();
  ConnectionStats told_;
  std::thread thread_;
};

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_ACCEPTOR_H_
