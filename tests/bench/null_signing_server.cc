// The yardstick of signing_bench for what identity, policy, claims, verification and the
// audit record cost: keyward-signer's own service of Sign, with the same TLS, limits,
// threads, queue and sessions, that signs for everybody whatever they send, checks
// nothing, verifies nothing and records nothing.
//
//   null_signing_server --config signer.yaml
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/server/daemon.h"
#include "common/server/tls_credentials.h"
#include "common/status_macros.h"
#include "keystore/pkcs11/token_signer.h"
#include "keystore/registry/snapshot.h"
#include "keystore/registry/sqlite_registry.h"
#include "signer/config.h"
#include "signer/metrics.h"
#include "signer/open_keystore.h"
#include "signer/server.h"
#include "signer/signing_service.h"

namespace keyward::bench {
namespace {

using signer::IncomingCall;

class NullSigner final : public signer::CallSigner {
 public:
  NullSigner(const registry::Snapshot& snapshot, pkcs11::SessionPool& sessions)
      : snapshot_(snapshot), sessions_(sessions) {}

  Caller Identify(const grpc::AuthContext& /*peer*/) override { return {}; }

  void Sign(const IncomingCall& call, absl::Time deadline, Done done) override {
    done(SignAnything(call.request, deadline));
  }

  void Refuse(const IncomingCall& /*call*/, const absl::Status& why, const Done& done) override {
    done(why);
  }

  void FinishGroup() override {}

 private:
  absl::StatusOr<v1::SignResponse> SignAnything(const v1::SignRequest& request,
                                                absl::Time deadline) {
    ASSIGN_OR_RETURN(const registry::SigningKey* key,
                     snapshot_.Select(request.connection(), std::nullopt));
    const std::string input = absl::StrCat(key->jose_header_base64url, ".",
                                           absl::WebSafeBase64Escape(request.claims_json()));
    ASSIGN_OR_RETURN(pkcs11::SessionLease lease, sessions_.Take(deadline));
    ASSIGN_OR_RETURN(const CK_OBJECT_HANDLE handle, lease.FindKey(key->version.key_id));
    ASSIGN_OR_RETURN(
        const std::string signature,
        pkcs11::SignRs256(lease.session(), lease.rs256(), handle, input, key->signature_bytes));
    v1::SignResponse response;
    response.set_jws(absl::StrCat(input, ".", absl::WebSafeBase64Escape(signature)));
    response.set_key_version(key->version.number);
    response.set_kid(key->version.kid);
    return response;
  }

  const registry::Snapshot& snapshot_;
  pkcs11::SessionPool& sessions_;
};

class NullServer final : public server::RunningDaemon {
 public:
  static absl::StatusOr<std::unique_ptr<NullServer>> New(const signer::SignerConfig& config) {
    auto server = std::make_unique<NullServer>();
    RETURN_IF_ERROR(server->OpenKeys(config));
    RETURN_IF_ERROR(server->Serve(config));
    return server;
  }

  ~NullServer() override {
    if (server_ != nullptr) Drain();
  }

  std::string address() const override { return address_; }

  void Drain() override {
    server_->Shutdown(std::chrono::system_clock::now());
    service_->Stop();
    server_.reset();
  }

 private:
  absl::Status OpenKeys(const signer::SignerConfig& config) {
    ASSIGN_OR_RETURN(const std::unique_ptr<registry::Registry> registry,
                     registry::OpenSqliteRegistry(config.registry_sqlite));
    ASSIGN_OR_RETURN(registry::Contents contents, registry->Load());
    ASSIGN_OR_RETURN(sessions_, signer::OpenToken(config.token));
    ASSIGN_OR_RETURN(pkcs11::ExpectedKeys keys, signer::ExpectedKeysOf(contents));
    RETURN_IF_ERROR(sessions_->SetKeys(std::move(keys), absl::Now() + absl::Minutes(1)));
    ASSIGN_OR_RETURN(std::shared_ptr<const registry::Snapshot> snapshot,
                     registry::Snapshot::New(std::move(contents)));
    snapshots_ = std::make_unique<registry::SnapshotHolder>(std::move(snapshot));
    snapshot_ = snapshots_->Get();
    return absl::OkStatus();
  }

  absl::Status Serve(const signer::SignerConfig& config) {
    ASSIGN_OR_RETURN(tls_, server::ReloadingTlsCredentials::New(config.tls));
    metrics_ = std::make_unique<signer::Metrics>(
        signer::MetricsSources{.snapshots = *snapshots_,
                               .health = [] { return server::Health(); },
                               .queue_length = [this] { return service_->queue_length(); },
                               .sessions = [this] { return sessions_->stats(); }});
    signer_ = std::make_unique<NullSigner>(*snapshot_, *sessions_);
    service_ = std::make_unique<signer::SigningService>(*signer_, *metrics_, sessions_->size(),
                                                        static_cast<size_t>(config.queue));
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(config.listen, tls_, &port);
    server::LimitResources(builder, signer::kServerLimits);
    builder.RegisterService(service_->service());
    std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) return absl::UnavailableError(config.listen);
    service_->Start(std::move(queue));
    address_ = absl::StrCat(config.listen.substr(0, config.listen.rfind(':')), ":", port);
    return absl::OkStatus();
  }

  std::unique_ptr<pkcs11::SessionPool> sessions_;
  std::unique_ptr<registry::SnapshotHolder> snapshots_;
  std::shared_ptr<const registry::Snapshot> snapshot_;
  std::unique_ptr<signer::Metrics> metrics_;
  std::unique_ptr<NullSigner> signer_;
  std::unique_ptr<signer::SigningService> service_;
  std::shared_ptr<server::ReloadingTlsCredentials> tls_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace
}  // namespace keyward::bench

int main(int argc, char** argv) {
  keyward::signer::SignerConfig config;
  return keyward::server::RunDaemon(
      {.name = "null_signing_server",
       .about = "Signs whatever it is asked, for signing_bench.",
       .version = "1",
       .load = [&](const std::string& file) -> absl::Status {
         ASSIGN_OR_RETURN(config, keyward::signer::LoadConfig(file));
         return absl::OkStatus();
       },
       .start = [&]() -> absl::StatusOr<std::unique_ptr<keyward::server::RunningDaemon>> {
         return keyward::bench::NullServer::New(config);
       }},
      argc, argv);
}
