// First step of the signing path: the gRPC handler of Signer.Sign.
#ifndef KEYWARD_SIGNER_SIGNING_SERVICE_H_
#define KEYWARD_SIGNER_SIGNING_SERVICE_H_

#include <grpcpp/completion_queue.h>

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "keyward/v1/signer.grpc.pb.h"
#include "signer/call_queue.h"
#include "signer/call_signer.h"
#include "signer/metrics.h"

namespace keyward::signer {

class SignCall;

// Workers, as many as calls may be at the token, share one completion queue and
// sign in place: the thread that reads a call takes it through to the token, so
// that no call is handed from thread to thread. A worker looks for its next call in
// the queue first. While all of them are at the token, one more thread reads what
// has come in, every few milliseconds, into that queue, and refuses what finds no
// room. Why: docs/adr/0002-threads-of-the-signing-path.md.
class SigningService {
 public:
  // At most `workers` calls are at the token at once, at most `queue_capacity`
  // wait; what comes beyond is refused with RESOURCE_EXHAUSTED, QUEUE_FULL.
  // `metrics` counts and times the calls; like `signer` it outlives this.
  SigningService(CallSigner& signer, Metrics& metrics, size_t workers, size_t queue_capacity);
  ~SigningService();
  SigningService(const SigningService&) = delete;
  SigningService& operator=(const SigningService&) = delete;

  v1::Signer::AsyncService* service() { return &service_; }

  // Begins to serve with the queue that the server's builder made for it.
  void Start(std::unique_ptr<grpc::ServerCompletionQueue> completion_queue);

  // How many calls wait for their turn.
  size_t queue_length() const { return queue_.length(); }

  // After the server's Shutdown() has returned: ends the threads.
  void Stop();

 private:
  friend class SignCall;

  void Poll();
  void ReadWhileBusy();
  void Work(SignCall* call);

  CallSigner& signer_;
  server::CallCounts& calls_;
  SignTimes& times_;
  const size_t workers_;
  CallQueue<SignCall*> queue_;
  v1::Signer::AsyncService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> completion_queue_;
  std::vector<std::thread> threads_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_SIGNING_SERVICE_H_
