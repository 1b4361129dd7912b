#include "signer/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/error.h"
#include "common/server/listen_address.h"
#include "common/status_macros.h"
#include "signer/monitoring.h"

namespace keyward::signer {
namespace {

constexpr absl::Duration kHealthInterval = absl::Seconds(1);
constexpr absl::Duration kFinishInterval = absl::Minutes(1);
constexpr auto kDrainTime = std::chrono::seconds(30);

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::New(const SignerConfig& config) {
  absl::StatusOr<AuthorizationPolicy> policy = LoadPolicy(config.policy);
  RETURN_IF_ERROR(Annotate(policy.status(), "policy"));
  std::unique_ptr<Server> server(new Server(*std::move(policy)));
  absl::StatusOr<std::unique_ptr<AuditLog>> audit =
      AuditLog::New({.file = config.audit.file,
                     .rotate_bytes = int64_t{config.audit.rotate_mib} << 20,
                     .rotate_age = config.audit.rotate_age,
                     .checkpoint_records = config.audit.checkpoint_records,
                     .checkpoint_interval = config.audit.checkpoint_interval});
  RETURN_IF_ERROR(Annotate(audit.status(), "audit.file"));
  server->audit_ = *std::move(audit);
  ASSIGN_OR_RETURN(server->keystore_, OpenKeystore::New(config));
  RETURN_IF_ERROR(server->Serve(config));
  return server;
}

absl::Status Server::Serve(const SignerConfig& config) {
  ASSIGN_OR_RETURN(tls_, server::ReloadingTlsCredentials::New(config.tls));
  callers_ = std::make_unique<Callers>(
      CallersOptions{.verifiers = &tls_->client_verifiers(), .kinds = config.identity_kinds});
  metrics_ = std::make_unique<Metrics>(MetricsSources{
      .snapshots = keystore_->snapshots(),
      .health = [this] { return health_service_->health(); },
      .queue_length = [this] { return signing_service_->queue_length(); },
      .sessions = [this] { return keystore_->sessions().stats(); },
      .tls_certificate_end = [this] { return tls_->not_after(); },
      .client_crl_end = config.tls.client_crl.empty() ? std::function<absl::Time()>()
                                                      : [this] { return tls_->client_crl_end(); }});
  signer_ =
      std::make_unique<Signer>(SignerParts{*callers_,
                                           policies_,
                                           quotas_,
                                           keystore_->snapshots(),
                                           keystore_->sessions(),
                                           *audit_,
                                           metrics_->sign_times(),
                                           {config.max_assertion_lifetime, config.clock_skew}});
  administration_ = std::make_unique<Administration>(AdministrationParts{
      *callers_, policies_, quotas_, keystore_->keystore(), keystore_->lifecycle(),
      keystore_->snapshots(), [this] { return keystore_->RefreshSnapshot(); }, *audit_,
      metrics_->calls(),
      AdoptionOptions{.key_requirements = RequirementsOf(config.token),
                      .scope = {config.token.adoptable_labels},
                      .certificate_validity = CertificateValidity(config)}});
  signing_service_ = std::make_unique<SigningService>(
      *signer_, *metrics_, keystore_->sessions().size(), static_cast<size_t>(config.queue));
  approvals_service_ = std::make_unique<ApprovalsService>(*administration_);
  connections_service_ = std::make_unique<ConnectionsService>(*administration_);
  key_versions_service_ = std::make_unique<KeyVersionsService>(*administration_);

  health_service_ = std::make_unique<server::HealthService>(std::set<std::string>{
      v1::Signer::service_full_name(), v1::Approvals::service_full_name(),
      v1::Connections::service_full_name(), v1::KeyVersions::service_full_name()});
  RETURN_IF_ERROR(OpenMonitoring(config.monitoring));

  grpc::EnableDefaultHealthCheckService(false);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(config.listen, tls_, &port);
  server::LimitResources(builder, kServerLimits);
  builder.RegisterService(signing_service_->service());
  builder.RegisterService(approvals_service_.get());
  builder.RegisterService(connections_service_.get());
  builder.RegisterService(key_versions_service_.get());
  builder.RegisterService(health_service_.get());
  std::unique_ptr<grpc::ServerCompletionQueue> completion_queue = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    return Annotate(server::CannotListen(config.listen), "listen");
  }
  signing_service_->Start(std::move(completion_queue));
  address_ = absl::StrCat(config.listen.substr(0, config.listen.rfind(':')), ":", port);
  readiness_ = std::make_unique<server::Readiness>(
      [this] { return CheckReady(); }, [this](const absl::Status& ready) { TellReady(ready); },
      kHealthInterval);
  return absl::OkStatus();
}

absl::Status Server::OpenMonitoring(const server::MonitoringConfig& config) {
  if (config.listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<server::HttpListener>> monitoring = StartMonitoring(
      config.listen, {.metrics = *metrics_, .snapshots = keystore_->snapshots(), .health = [this] {
                        return health_service_->health();
                      }});
  RETURN_IF_ERROR(Annotate(monitoring.status(), "monitoring.listen"));
  monitoring_ = *std::move(monitoring);
  spdlog::info("monitoring on http://{}", monitoring_->address());
  return absl::OkStatus();
}

void Server::TellReady(const absl::Status& ready) {
  health_service_->SetReady(ready);
  // Here and not in the check, which ends early while the token is away.
  const std::shared_ptr<const registry::Snapshot> snapshot = keystore_->snapshots().Get();
  for (const std::string& line : certificate_warnings_.Due(*snapshot, absl::Now())) {
    spdlog::warn("{}", line);
  }
}

absl::Status Server::CheckReady() {
  audit_->Probe();
  RETURN_IF_ERROR(audit_->CheckWritable());
  const absl::Time deadline = absl::Now() + kHealthInterval;
  RETURN_IF_ERROR(keystore_->sessions().CheckReady(deadline));
  FinishInterruptedNowAndThen(deadline);
  return keystore_->registry().Ping();
}

void Server::FinishInterruptedNowAndThen(absl::Time deadline) {
  if (!keystore_->lifecycle().HasUnfinished() || absl::Now() < next_finish_) return;
  next_finish_ = absl::Now() + kFinishInterval;
  const absl::Status status = keystore_->FinishInterrupted(deadline);
  if (!status.ok()) {
    spdlog::error("what a failed call left is not finished yet: {}", std::string(status.message()));
  }
}

void Server::Drain() {
  if (health_service_ != nullptr) health_service_->Drain();
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kDrainTime);
  if (signing_service_ != nullptr) signing_service_->Stop();
}

Server::~Server() {
  Drain();
  readiness_.reset();
  server_.reset();
  tls_.reset();
  monitoring_.reset();
  audit_.reset();
  keystore_.reset();
}

}  // namespace keyward::signer
