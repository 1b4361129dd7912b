// Calls that the client library does not make: odd transports, odd bytes, and
// services whose protos are not ours.
#ifndef KEYWARD_TESTS_E2E_RAW_CALLS_H_
#define KEYWARD_TESTS_E2E_RAW_CALLS_H_

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "tests/testing/signer_process.h"

namespace keyward::e2e {

// To `signer` with TLS, trusting the CA in its PKI. `certificate` and `key` are
// PEM files; "" for a client without one.
std::shared_ptr<grpc::Channel> Connect(const testing::SignerProcess& signer,
                                       const std::string& certificate, const std::string& key);
// As the operator.
std::shared_ptr<grpc::Channel> Connect(const testing::SignerProcess& signer);

struct RawAnswer {
  grpc::Status status;
  std::string bytes;
};

// A unary call of `method` ("/package.Service/Method") with `request` as its bytes.
RawAnswer CallUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& request, absl::Duration timeout = absl::Seconds(60));

// The first message of a stream in answer to `request`.
RawAnswer CallStreaming(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                        const std::string& request);

// grpc.health.v1.Health/Check of `service`: "SERVING", "NOT_SERVING", or the
// call's error.
std::string Health(const std::shared_ptr<grpc::Channel>& channel, const std::string& service = "");

// What grpc.health.v1.Health/Watch says, from its start to the stream's end.
class HealthWatch {
 public:
  explicit HealthWatch(const std::shared_ptr<grpc::Channel>& channel);
  ~HealthWatch();
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  // "SERVING" and "NOT_SERVING", oldest first.
  std::vector<std::string> seen() const;

 private:
  void Run();

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  mutable Mutex mutex_;
  std::vector<std::string> seen_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace keyward::e2e

#endif  // KEYWARD_TESTS_E2E_RAW_CALLS_H_
