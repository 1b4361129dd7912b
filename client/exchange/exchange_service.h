// The gRPC handlers of keyward.v1.Exchange.
#ifndef KEYWARD_CLIENT_EXCHANGE_EXCHANGE_SERVICE_H_
#define KEYWARD_CLIENT_EXCHANGE_EXCHANGE_SERVICE_H_

#include <grpcpp/completion_queue.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/exchange/caller.h"
#include "client/test_connection/test_connection.h"
#include "client/tokens/access_tokens.h"
#include "common/mutex.h"
#include "common/server/call_counts.h"
#include "keyward/v1/exchange.grpc.pb.h"

namespace keyward::exchange {

class ExchangeCall;

// Runs a Test Connection; blocks.
using TestRunner = std::function<absl::StatusOr<v1::TestConnectionResponse>(
    const client::TestConnectionCall& call)>;

// What is referred to outlives the service.
struct ExchangeServiceParts {
  const Gatekeeper& gatekeeper;
  client::AccessTokens& tokens;
  TestRunner test;
  server::CallCounts& calls;
};

// Exchange is asynchronous: the thread that reads a call answers it in place where the
// token is in the cache, and leaves it to the login that it waits for otherwise, so that
// no thread is tied to a call that waits (docs/adr/0007). TestConnection holds a thread
// of gRPC's, and there are few of them, so only some may run at once.
class ExchangeService final : public v1::Exchange::WithAsyncMethod_Exchange<v1::Exchange::Service> {
 public:
  // Tests that may run at once, and of one connection only one, so that nobody keeps
  // others from testing theirs; more are refused with RESOURCE_EXHAUSTED
  // TOO_MANY_TESTS.
  static constexpr size_t kMaxTests = 2;
  // How many calls may be accepted at once without waiting for a thread to ask for the
  // next.
  static constexpr int kCallsAskedFor = 64;
  // The threads that answer from the cache. More than a few only wait for each other.
  static int PollingThreads();

  explicit ExchangeService(ExchangeServiceParts parts);
  ~ExchangeService() override;

  // Begins to serve with the queue that the server's builder made for it.
  void Start(std::unique_ptr<grpc::ServerCompletionQueue> completion_queue);

  // From now on tests are refused with UNAVAILABLE SHUTTING_DOWN: one that began now
  // could outlast the drain.
  void RefuseTests();

  // After the server's Shutdown() has returned: ends the threads.
  void Stop();

  grpc::Status TestConnection(grpc::ServerContext* context,
                              const v1::TestConnectionRequest* request,
                              v1::TestConnectionResponse* response) override;

 private:
  friend class ExchangeCall;

  void Poll();
  absl::Status BeginTest(const std::string& connection);
  void EndTest(const std::string& connection);

  const ExchangeServiceParts parts_;
  Mutex mutex_;
  // Connections that are being tested.
  absl::flat_hash_set<std::string> tests_ ABSL_GUARDED_BY(mutex_);
  bool refuses_tests_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::ServerCompletionQueue> completion_queue_;
  std::vector<std::thread> threads_;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_EXCHANGE_SERVICE_H_
