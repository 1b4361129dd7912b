#include "signer/signing_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/time/clock.h"
#include "common/error.h"
#include "common/server/call_trace.h"
#include "common/server/grpc_status.h"

namespace keyward::signer {
namespace {

// How many calls may be accepted at once without waiting for a thread to ask for
// the next.
constexpr int kCallsAskedFor = 64;

// For calls without a deadline of their own: every wait has an end.
constexpr absl::Duration kLongestCall = absl::Seconds(30);

// How often what came in is read while every worker is busy: the longest that a
// refusal takes, and how much reading is done in one go.
constexpr absl::Duration kReadInterval = absl::Milliseconds(5);

// Long enough for some of the queue to be worked off.
constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

constexpr char kMethod[] = "Sign";

}  // namespace

// One call, from the request to the end of its answer. It is its own tag in the
// completion queue, and owns itself from Ask() on.
class SignCall {
 public:
  static void Ask(SigningService& service) {
    auto* call = new SignCall(service);
    service.service_.RequestSign(&call->context_, &call->request_, &call->responder_,
                                 service.completion_queue_.get(), service.completion_queue_.get(),
                                 call);
  }

  // The completion queue has news: the request is here, or the answer is gone.
  // `ok` is false when the server shuts down and no request will come.
  void Proceed(bool ok) {
    if (answered_ || !ok) {
      delete this;
      return;
    }
    answered_ = true;
    arrival_ = SignTimes::Clock::now();
    Ask(service_);
    caller_ = service_.signer_.Identify(*context_.auth_context());
    caller_.refusal.ok() ? service_.Work(this) : Refuse(caller_.refusal);
  }

  void Sign() {
    service_.times_.ObserveSince(arrival_, SignTimes::Phase::kQueue);
    const absl::Time deadline =
        std::min(absl::FromChrono(context_.deadline()), absl::Now() + kLongestCall);
    service_.signer_.Sign(AsItCame(), deadline, [this](absl::StatusOr<v1::SignResponse> response) {
      Answer(std::move(response));
    });
  }

  const std::string& caller() const { return caller_.name; }

  void RefuseAsFull() {
    Refuse(WithRetryDelay(Error(absl::StatusCode::kResourceExhausted, "QUEUE_FULL",
                                "too many calls are waiting for the token; try again later"),
                          kRetryDelay));
  }

 private:
  explicit SignCall(SigningService& service) : service_(service), responder_(&context_) {}

  void Refuse(const absl::Status& why) {
    service_.signer_.Refuse(
        AsItCame(), why,
        [this](const absl::StatusOr<v1::SignResponse>& response) { Answer(response.status()); });
  }

  IncomingCall AsItCame() const {
    return {.caller = caller_.name, .request = request_, .trace_id = server::TraceIdOf(context_)};
  }

  // Counts first: who has the answer finds it counted.
  void Answer(absl::StatusOr<v1::SignResponse> response) {
    const grpc::Status status = server::ToGrpcStatus(response.status());
    service_.calls_.Count(kMethod, status);
    if (response.ok()) {
      service_.times_.ObserveSince(arrival_, SignTimes::Phase::kTotal);
      responder_.Finish(*response, status, this);
    } else {
      responder_.FinishWithError(status, this);
    }
  }

  SigningService& service_;
  grpc::ServerContext context_;
  v1::SignRequest request_;
  grpc::ServerAsyncResponseWriter<v1::SignResponse> responder_;
  bool answered_ = false;
  CallSigner::Caller caller_;
  SignTimes::Clock::time_point arrival_;
};

SigningService::SigningService(CallSigner& signer, Metrics& metrics, size_t workers,
                               size_t queue_capacity)
    : signer_(signer),
      calls_(metrics.calls()),
      times_(metrics.sign_times()),
      workers_(workers),
      queue_(workers, queue_capacity) {}

SigningService::~SigningService() { Stop(); }

void SigningService::Start(std::unique_ptr<grpc::ServerCompletionQueue> completion_queue) {
  completion_queue_ = std::move(completion_queue);
  for (int i = 0; i < kCallsAskedFor; ++i) SignCall::Ask(*this);
  for (size_t i = 0; i < workers_; ++i) {
    threads_.emplace_back([this] { Poll(); });
  }
  threads_.emplace_back([this] { ReadWhileBusy(); });
}

void SigningService::Poll() {
  void* tag = nullptr;
  bool ok = false;
  while (completion_queue_->Next(&tag, &ok)) static_cast<SignCall*>(tag)->Proceed(ok);
}

void SigningService::ReadWhileBusy() {
  while (queue_.AwaitAllBusy()) {
    while (queue_.AreAllBusyAfter(kReadInterval)) {
      void* tag = nullptr;
      bool ok = false;
      while (completion_queue_->AsyncNext(&tag, &ok, std::chrono::system_clock::now()) ==
             grpc::CompletionQueue::GOT_EVENT) {
        static_cast<SignCall*>(tag)->Proceed(ok);
      }
    }
  }
}

void SigningService::Work(SignCall* call) {
  const CallQueue<SignCall*>::Admitted admitted = queue_.Admit(call, call->caller());
  switch (admitted.admission) {
    case CallQueue<SignCall*>::Admission::kWaiting:
      if (admitted.pushed_out) (*admitted.pushed_out)->RefuseAsFull();
      return;
    case CallQueue<SignCall*>::Admission::kFull:
      call->RefuseAsFull();
      return;
    case CallQueue<SignCall*>::Admission::kWork:
      break;
  }
  call->Sign();
  while (const std::optional<SignCall*> next = queue_.Next()) (*next)->Sign();
  if (queue_.IsIdle()) signer_.FinishGroup();
}

void SigningService::Stop() {
  if (completion_queue_ == nullptr) return;
  queue_.Stop();
  completion_queue_->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  completion_queue_.reset();
}

}  // namespace keyward::signer
