#include "tests/client/scripted_exchange.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <keyward/v1/exchange.grpc.pb.h>

#include <cstdlib>
#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/mutex.h"

namespace keyward::testing {

struct ScriptedExchange::Impl final : public v1::Exchange::Service {
  grpc::Status Exchange(grpc::ServerContext* context, const v1::ExchangeRequest* request,
                        v1::ExchangeResponse* response) override {
    if (auto status = Enter(context); !status.ok()) return status;
    const MutexLock lock(&mutex);
    exchange_request = *request;
    *response = exchange_response;
    return grpc::Status::OK;
  }

  grpc::Status TestConnection(grpc::ServerContext* context,
                              const v1::TestConnectionRequest* request,
                              v1::TestConnectionResponse* response) override {
    if (auto status = Enter(context); !status.ok()) return status;
    const MutexLock lock(&mutex);
    test_request = *request;
    *response = test_response;
    return grpc::Status::OK;
  }

  // What the call is to fail with, OK for nothing.
  grpc::Status Enter(grpc::ServerContext* context) {
    bool hang = false;
    {
      const MutexLock lock(&mutex);
      ++calls;
      hang = hanging;
      const auto trace = context->client_metadata().find("traceparent");
      traceparent.clear();
      if (trace != context->client_metadata().end()) {
        traceparent.assign(trace->second.data(), trace->second.size());
      }
      if (!failures.empty()) {
        const grpc::Status status = failures.front();
        failures.pop_front();
        return status;
      }
    }
    while (hang && !context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::OK;
  }

  // Returns the port.
  int Start(const std::string& address,
            const std::shared_ptr<grpc::ServerCredentials>& credentials) {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, credentials, &port);
    builder.RegisterService(this);
    server = builder.BuildAndStart();
    if (server == nullptr) std::abort();
    return port;
  }

  mutable Mutex mutex;
  int calls ABSL_GUARDED_BY(mutex) = 0;
  bool hanging ABSL_GUARDED_BY(mutex) = false;
  std::deque<grpc::Status> failures ABSL_GUARDED_BY(mutex);
  std::string traceparent ABSL_GUARDED_BY(mutex);
  v1::ExchangeRequest exchange_request ABSL_GUARDED_BY(mutex);
  v1::ExchangeResponse exchange_response ABSL_GUARDED_BY(mutex);
  v1::TestConnectionRequest test_request ABSL_GUARDED_BY(mutex);
  v1::TestConnectionResponse test_response ABSL_GUARDED_BY(mutex);
  std::string address;
  std::unique_ptr<grpc::Server> server;
};

ScriptedExchange::ScriptedExchange(const CertificateFiles& files, const std::string& client_ca)
    : impl_(std::make_unique<Impl>()) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = ReadFile(client_ca).value();
  tls.pem_key_cert_pairs = {
      {ReadFile(files.private_key).value(), ReadFile(files.certificate).value()}};
  impl_->address =
      "127.0.0.1:" + std::to_string(impl_->Start("127.0.0.1:0", grpc::SslServerCredentials(tls)));
}

ScriptedExchange::ScriptedExchange(const std::string& socket_path)
    : impl_(std::make_unique<Impl>()) {
  impl_->address = "unix:" + socket_path;
  impl_->Start(impl_->address, grpc::InsecureServerCredentials());
}

ScriptedExchange::~ScriptedExchange() {
  impl_->server->Shutdown(std::chrono::system_clock::now());
  impl_->server->Wait();
}

const std::string& ScriptedExchange::address() const { return impl_->address; }

void ScriptedExchange::FailNext(const grpc::Status& status, int times) {
  const MutexLock lock(&impl_->mutex);
  for (int i = 0; i < times; ++i) impl_->failures.push_back(status);
}

void ScriptedExchange::Hang() {
  const MutexLock lock(&impl_->mutex);
  impl_->hanging = true;
}

int ScriptedExchange::calls() const {
  const MutexLock lock(&impl_->mutex);
  return impl_->calls;
}

void ScriptedExchange::SetResponse(const v1::ExchangeResponse& response) {
  const MutexLock lock(&impl_->mutex);
  impl_->exchange_response = response;
}

void ScriptedExchange::SetResponse(const v1::TestConnectionResponse& response) {
  const MutexLock lock(&impl_->mutex);
  impl_->test_response = response;
}

v1::ExchangeRequest ScriptedExchange::exchange_request() const {
  const MutexLock lock(&impl_->mutex);
  return impl_->exchange_request;
}

v1::TestConnectionRequest ScriptedExchange::test_request() const {
  const MutexLock lock(&impl_->mutex);
  return impl_->test_request;
}

std::string ScriptedExchange::traceparent() const {
  const MutexLock lock(&impl_->mutex);
  return impl_->traceparent;
}

}  // namespace keyward::testing
