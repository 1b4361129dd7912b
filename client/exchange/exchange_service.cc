#include "client/exchange/exchange_service.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/async_unary_call.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/exchange/signer_errors.h"
#include "common/error.h"
#include "common/secret.h"
#include "common/server/grpc_status.h"
#include "common/status_macros.h"

namespace keyward::exchange {
namespace {

// For calls without a deadline of their own: every wait has an end.
constexpr absl::Duration kLongestCall = absl::Seconds(60);
// A test tries several hosts and audiences, each with its own time limit. It cannot be
// interrupted, so that draining lasts as long as this where one is under way.
constexpr absl::Duration kLongestTest = absl::Seconds(60);

// A user name has 80 characters at most; a token of the JWT kind some thousands.
constexpr size_t kMaxSubjectBytes = 255;
constexpr size_t kMaxTokenBytes = 16 << 10;

absl::Status TooLong(absl::string_view field, size_t limit) {
  return Error(absl::StatusCode::kInvalidArgument, "REQUEST_INVALID",
               absl::StrCat(field, " has more than ", limit, " bytes"));
}

absl::Time DeadlineOf(const grpc::ServerContext& context, absl::Duration longest) {
  return std::min(absl::FromChrono(context.deadline()), absl::Now() + longest);
}

void Fill(const client::CachedToken& token, v1::ExchangeResponse& response) {
  const absl::string_view text = token.granted.token.Expose();
  response.mutable_access_token()->assign(text.data(), text.size());
  response.set_token_type("Bearer");
  response.set_instance_url(token.granted.instance_url);
  response.set_id(token.granted.id);
  response.set_scope(token.granted.scope);
  response.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(token.expires));
}

// The log has what the caller is not told.
grpc::Status AnswerFor(const char* method, const std::string& connection,
                       const absl::Status& status) {
  if (!status.ok() && !ReasonOf(status)) {
    spdlog::error("{} {}: {}", method, connection, std::string(status.message()));
  }
  return server::ToGrpcStatus(AsAnswered(status));
}

}  // namespace

// One call of Exchange, from the request to the end of its answer. It owns itself from
// Ask() on. Once there is a request the completion queue has two more events for it, in
// any order: the answer is gone, and the call is over for the client, by the answer or
// because the client left.
class ExchangeCall {
 public:
  // A tag in the completion queue.
  struct Event {
    ExchangeCall* call;
    void (ExchangeCall::*happened)(bool ok);
  };

  static void Ask(ExchangeService& service) {
    auto* call = new ExchangeCall(service);
    call->context_.AsyncNotifyWhenDone(&call->over_);
    service.RequestExchange(&call->context_, &call->request_, &call->responder_,
                            service.completion_queue_.get(), service.completion_queue_.get(),
                            &call->requested_);
  }

 private:
  explicit ExchangeCall(ExchangeService& service) : service_(service), responder_(&context_) {}

  // `ok` is false when the server shuts down: neither a request nor an end will come.
  void OnRequested(bool ok) {
    if (!ok) {
      delete this;
      return;
    }
    Ask(service_);
    if (const absl::Status refused = Begin(); !refused.ok()) Answer(refused);
    LetGo();
  }

  void OnAnswered(bool) { LetGo(); }

  void OnOver(bool) {
    // False for a call that was answered, as most are.
    if (context_.IsCancelled()) {
      client::AccessTokens::Waiter waiter;
      {
        const MutexLock lock(&mutex_);
        client_left_ = true;
        waiter = std::move(waiter_);
      }
      service_.parts_.tokens.Cancel(waiter);
    }
    LetGo();
  }

  void LetGo() {
    if (holders_.fetch_sub(1) == 1) delete this;
  }

  // So that it gives its place back when the client leaves.
  void Remember(client::AccessTokens::Waiter waiter) {
    {
      const MutexLock lock(&mutex_);
      if (!client_left_) {
        waiter_ = std::move(waiter);
        return;
      }
    }
    service_.parts_.tokens.Cancel(waiter);
  }

  // Answers now or later, unless it returns why not.
  absl::Status Begin() {
    const ExchangeServiceParts& parts = service_.parts_;
    ASSIGN_OR_RETURN(Caller caller,
                     parts.gatekeeper.Admit(context_, request_.connection(), request_.subject()));
    if (request_.subject().size() > kMaxSubjectBytes) return TooLong("subject", kMaxSubjectBytes);
    if (request_.rejected_access_token().size() > kMaxTokenBytes) {
      return TooLong("rejected_access_token", kMaxTokenBytes);
    }
    client::TokenRequest request{
        .connection = request_.connection(),
        .subject = request_.subject(),
        .rejected = Secret(std::move(*request_.mutable_rejected_access_token())),
        .on_behalf_of = std::move(caller.identity),
        .traceparent = std::move(caller.traceparent),
        .check_subject = std::move(caller.check_subject)};
    if (auto token = parts.tokens.Find(request)) {
      Answer(std::move(token));
      return absl::OkStatus();
    }
    Remember(
        parts.tokens.Get(std::move(request), DeadlineOf(context_, kLongestCall),
                         [this](absl::StatusOr<std::shared_ptr<const client::CachedToken>> token) {
                           Answer(std::move(token));
                         }));
    return absl::OkStatus();
  }

  void Answer(const absl::StatusOr<std::shared_ptr<const client::CachedToken>>& token) {
    const grpc::Status status = AnswerFor("Exchange", request_.connection(), token.status());
    service_.parts_.calls.Count("Exchange", status);
    if (!status.ok()) {
      responder_.FinishWithError(status, &answered_);
      return;
    }
    v1::ExchangeResponse response;
    Fill(**token, response);
    // Serialized before it returns.
    responder_.Finish(response, grpc::Status::OK, &answered_);
    WipeString(*response.mutable_access_token());
  }

  ExchangeService& service_;
  grpc::ServerContext context_;
  v1::ExchangeRequest request_;
  grpc::ServerAsyncResponseWriter<v1::ExchangeResponse> responder_;
  Event requested_{this, &ExchangeCall::OnRequested};
  Event answered_{this, &ExchangeCall::OnAnswered};
  Event over_{this, &ExchangeCall::OnOver};
  // OnRequested(), and the two events to come.
  std::atomic<int> holders_ = 3;
  Mutex mutex_;
  client::AccessTokens::Waiter waiter_ ABSL_GUARDED_BY(mutex_);
  bool client_left_ ABSL_GUARDED_BY(mutex_) = false;
};

ExchangeService::ExchangeService(ExchangeServiceParts parts) : parts_(std::move(parts)) {}

ExchangeService::~ExchangeService() { Stop(); }

int ExchangeService::PollingThreads() {
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2U, 8U));
}

void ExchangeService::Start(std::unique_ptr<grpc::ServerCompletionQueue> completion_queue) {
  completion_queue_ = std::move(completion_queue);
  for (int i = 0; i < kCallsAskedFor; ++i) ExchangeCall::Ask(*this);
  for (int i = 0; i < PollingThreads(); ++i) {
    threads_.emplace_back([this] { Poll(); });
  }
}

void ExchangeService::Poll() {
  void* tag = nullptr;
  bool ok = false;
  while (completion_queue_->Next(&tag, &ok)) {
    const auto& event = *static_cast<const ExchangeCall::Event*>(tag);
    (event.call->*event.happened)(ok);
  }
}

void ExchangeService::Stop() {
  if (completion_queue_ == nullptr) return;
  completion_queue_->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  completion_queue_.reset();
}

void ExchangeService::RefuseTests() {
  const MutexLock lock(&mutex_);
  refuses_tests_ = true;
}

absl::Status ExchangeService::BeginTest(const std::string& connection) {
  const MutexLock lock(&mutex_);
  if (refuses_tests_) {
    return Error(absl::StatusCode::kUnavailable, "SHUTTING_DOWN",
                 "this process is shutting down: call again, another one will answer");
  }
  if (tests_.contains(connection) || tests_.size() >= kMaxTests) {
    return WithRetryDelay(
        Error(absl::StatusCode::kResourceExhausted, "TOO_MANY_TESTS",
              "this connection or others are being tested; try again in a few seconds"),
        absl::Seconds(5));
  }
  tests_.insert(connection);
  return absl::OkStatus();
}

void ExchangeService::EndTest(const std::string& connection) {
  const MutexLock lock(&mutex_);
  tests_.erase(connection);
}

grpc::Status ExchangeService::TestConnection(grpc::ServerContext* context,
                                             const v1::TestConnectionRequest* request,
                                             v1::TestConnectionResponse* response) {
  const auto test = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(Caller caller,
                     parts_.gatekeeper.Admit(*context, request->connection(), request->subject()));
    if (request->subject().size() > kMaxSubjectBytes) return TooLong("subject", kMaxSubjectBytes);
    RETURN_IF_ERROR(BeginTest(request->connection()));
    const absl::Cleanup leave = [&] { EndTest(request->connection()); };
    ASSIGN_OR_RETURN(*response, parts_.test({.request = *request,
                                             .on_behalf_of = std::move(caller.identity),
                                             .traceparent = std::move(caller.traceparent),
                                             .deadline = DeadlineOf(*context, kLongestTest),
                                             .check_subject = std::move(caller.check_subject)}));
    return absl::OkStatus();
  };
  const grpc::Status status = AnswerFor("TestConnection", request->connection(), test());
  parts_.calls.Count("TestConnection", status);
  return status;
}

}  // namespace keyward::exchange
