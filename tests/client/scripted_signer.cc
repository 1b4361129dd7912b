#include "tests/client/scripted_signer.h"

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <keyward/v1/connections.grpc.pb.h>
#include <keyward/v1/key_versions.grpc.pb.h>
#include <keyward/v1/signer.grpc.pb.h>

#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "common/file.h"
#include "common/mutex.h"

namespace keyward::testing {
namespace {

// Small pages, so that two connections make a client turn one.
constexpr size_t kPageSize = 1;

// The faults, and what is shared by the three services.
class Script {
 public:
  // What the call is to fail with, OK for nothing.
  grpc::Status Enter(const std::string& method, grpc::ServerContext* context) {
    bool hang = false;
    {
      const MutexLock lock(&mutex);
      ++calls[method];
      hang = hanging.contains(method);
      auto& queue = failures[method];
      if (!queue.empty()) {
        const grpc::Status status = queue.front();
        queue.pop_front();
        return status;
      }
    }
    while (hang && !context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
    return grpc::Status::OK;
  }

  Mutex mutex;
  std::map<std::string, int> calls ABSL_GUARDED_BY(mutex);
  std::map<std::string, std::deque<grpc::Status>> failures ABSL_GUARDED_BY(mutex);
  std::set<std::string> hanging ABSL_GUARDED_BY(mutex);
  std::map<std::string, v1::Connection> connections ABSL_GUARDED_BY(mutex);
  v1::Certificate certificate ABSL_GUARDED_BY(mutex);
  std::vector<v1::KeyVersion> versions ABSL_GUARDED_BY(mutex);
  v1::SignRequest sign ABSL_GUARDED_BY(mutex);
  absl::Time sign_deadline ABSL_GUARDED_BY(mutex);
  std::string sign_traceparent ABSL_GUARDED_BY(mutex);
  v1::UpdateConnectionRequest update ABSL_GUARDED_BY(mutex);
  v1::GetCertificateRequest get_certificate ABSL_GUARDED_BY(mutex);
};

grpc::Status NotFound() {
  return RichStatus(grpc::StatusCode::NOT_FOUND, "CONNECTION_NOT_FOUND", "there is no such one");
}

class SignerService final : public v1::Signer::Service {
 public:
  explicit SignerService(Script& script) : script_(script) {}

  grpc::Status Sign(grpc::ServerContext* context, const v1::SignRequest* request,
                    v1::SignResponse* response) override {
    if (auto status = script_.Enter("Sign", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    script_.sign = *request;
    script_.sign_deadline = absl::FromChrono(context->deadline());
    const auto trace = context->client_metadata().find("traceparent");
    script_.sign_traceparent.clear();
    if (trace != context->client_metadata().end()) {
      script_.sign_traceparent.assign(trace->second.data(), trace->second.size());
    }
    response->set_jws("aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl");
    response->set_key_version(request->has_key_version() ? request->key_version() : 1);
    response->set_kid("kid-1");
    response->mutable_expire_time()->set_seconds(1700000180);
    return grpc::Status::OK;
  }

 private:
  Script& script_;
};

class ConnectionsService final : public v1::Connections::Service {
 public:
  explicit ConnectionsService(Script& script) : script_(script) {}

  grpc::Status CreateConnection(grpc::ServerContext* context,
                                const v1::CreateConnectionRequest* request,
                                v1::Connection* response) override {
    if (auto status = script_.Enter("CreateConnection", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    v1::Connection& connection = script_.connections[request->connection().name()];
    connection = request->connection();
    connection.set_etag("1");
    *response = connection;
    return grpc::Status::OK;
  }

  grpc::Status GetConnection(grpc::ServerContext* context, const v1::GetConnectionRequest* request,
                             v1::Connection* response) override {
    if (auto status = script_.Enter("GetConnection", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    const auto found = script_.connections.find(request->name());
    if (found == script_.connections.end()) return NotFound();
    *response = found->second;
    return grpc::Status::OK;
  }

  grpc::Status ListConnections(grpc::ServerContext* context,
                               const v1::ListConnectionsRequest* request,
                               v1::ListConnectionsResponse* response) override {
    if (auto status = script_.Enter("ListConnections", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    auto next = script_.connections.upper_bound(request->page_token());
    for (size_t i = 0; i < kPageSize && next != script_.connections.end(); ++i, ++next) {
      *response->add_connections() = next->second;
      response->set_next_page_token(next->first);
    }
    if (next == script_.connections.end()) response->clear_next_page_token();
    return grpc::Status::OK;
  }

  grpc::Status UpdateConnection(grpc::ServerContext* context,
                                const v1::UpdateConnectionRequest* request,
                                v1::Connection* response) override {
    if (auto status = script_.Enter("UpdateConnection", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    script_.update = *request;
    *response = request->connection();
    return grpc::Status::OK;
  }

  grpc::Status PreferAudience(grpc::ServerContext* context,
                              const v1::PreferAudienceRequest* request,
                              v1::Connection* response) override {
    if (auto status = script_.Enter("PreferAudience", context); !status.ok()) return status;
    response->set_name(request->name());
    response->add_audiences(request->audience());
    return grpc::Status::OK;
  }

  grpc::Status DeleteConnection(grpc::ServerContext* context,
                                const v1::DeleteConnectionRequest* request,
                                v1::DeleteConnectionResponse* response) override {
    if (auto status = script_.Enter("DeleteConnection", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    const auto found = script_.connections.find(request->name());
    if (found == script_.connections.end()) return NotFound();
    if (found->second.etag() != request->etag()) {
      return RichStatus(grpc::StatusCode::ABORTED, "ETAG_MISMATCH", "it changed meanwhile");
    }
    script_.connections.erase(found);
    response->set_destroyed_key_versions(2);
    return grpc::Status::OK;
  }

  grpc::Status GetCertificate(grpc::ServerContext* context,
                              const v1::GetCertificateRequest* request,
                              v1::Certificate* response) override {
    if (auto status = script_.Enter("GetCertificate", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    script_.get_certificate = *request;
    *response = script_.certificate;
    return grpc::Status::OK;
  }

 private:
  Script& script_;
};

class KeyVersionsService final : public v1::KeyVersions::Service {
 public:
  explicit KeyVersionsService(Script& script) : script_(script) {}

  grpc::Status ListKeyVersions(grpc::ServerContext* context, const v1::ListKeyVersionsRequest*,
                               v1::ListKeyVersionsResponse* response) override {
    if (auto status = script_.Enter("ListKeyVersions", context); !status.ok()) return status;
    const MutexLock lock(&script_.mutex);
    for (const v1::KeyVersion& version : script_.versions) *response->add_key_versions() = version;
    return grpc::Status::OK;
  }

 private:
  Script& script_;
};

}  // namespace

struct ScriptedSigner::Impl {
  Script script;
  SignerService signer{script};
  ConnectionsService connections{script};
  KeyVersionsService key_versions{script};
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

ScriptedSigner::ScriptedSigner(const CertificateFiles& files, const std::string& client_ca,
                               int port)
    : impl_(std::make_unique<Impl>()) {
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = ReadFile(client_ca).value();
  tls.pem_key_cert_pairs = {
      {ReadFile(files.private_key).value(), ReadFile(files.certificate).value()}};
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::SslServerCredentials(tls),
                           &impl_->port);
  builder.RegisterService(&impl_->signer);
  builder.RegisterService(&impl_->connections);
  builder.RegisterService(&impl_->key_versions);
  grpc::EnableDefaultHealthCheckService(true);
  impl_->server = builder.BuildAndStart();
  if (impl_->server == nullptr) std::abort();
  SetServing(true);
}

ScriptedSigner::~ScriptedSigner() {
  impl_->server->Shutdown(std::chrono::system_clock::now());
  impl_->server->Wait();
}

std::string ScriptedSigner::address() const { return "127.0.0.1:" + std::to_string(impl_->port); }

void ScriptedSigner::FailNext(const std::string& method, const grpc::Status& status, int times) {
  const MutexLock lock(&impl_->script.mutex);
  for (int i = 0; i < times; ++i) impl_->script.failures[method].push_back(status);
}

void ScriptedSigner::Hang(const std::string& method) {
  const MutexLock lock(&impl_->script.mutex);
  impl_->script.hanging.insert(method);
}

void ScriptedSigner::SetServing(bool serving) {
  impl_->server->GetHealthCheckService()->SetServingStatus("keyward.v1.Signer", serving);
}

int ScriptedSigner::Calls(const std::string& method) const {
  const MutexLock lock(&impl_->script.mutex);
  return impl_->script.calls[method];
}

void ScriptedSigner::SetConnections(const std::vector<v1::Connection>& connections) {
  const MutexLock lock(&impl_->script.mutex);
  impl_->script.connections.clear();
  for (const auto& connection : connections) {
    impl_->script.connections[connection.name()] = connection;
  }
}

void ScriptedSigner::SetCertificate(const v1::Certificate& certificate) {
  const MutexLock lock(&impl_->script.mutex);
  impl_->script.certificate = certificate;
}

void ScriptedSigner::SetKeyVersions(const std::vector<v1::KeyVersion>& versions) {
  const MutexLock lock(&impl_->script.mutex);
  impl_->script.versions = versions;
}

v1::SignRequest ScriptedSigner::sign_request() const {
  const MutexLock lock(&impl_->script.mutex);
  return impl_->script.sign;
}

absl::Time ScriptedSigner::sign_deadline() const {
  const MutexLock lock(&impl_->script.mutex);
  return impl_->script.sign_deadline;
}

std::string ScriptedSigner::sign_traceparent() const {
  const MutexLock lock(&impl_->script.mutex);
  return impl_->script.sign_traceparent;
}

v1::UpdateConnectionRequest ScriptedSigner::update_request() const {
  const MutexLock lock(&impl_->script.mutex);
  return impl_->script.update;
}

v1::GetCertificateRequest ScriptedSigner::certificate_request() const {
  const MutexLock lock(&impl_->script.mutex);
  return impl_->script.get_certificate;
}

}  // namespace keyward::testing
