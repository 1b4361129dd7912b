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
#include "signer/audit_anchor.h"
#include "signer/monitoring.h"
#include "signer/policy_log.h"

namespace keyward::signer {
namespace {

constexpr absl::Duration kHealthInterval = absl::Seconds(1);
constexpr absl::Duration kTlsInterval = absl::Seconds(1);
// Tokens have been seen to take a minute for a key.
constexpr absl::Duration kAuditKeyDeadline = absl::Minutes(5);
constexpr absl::Duration kFinishInterval = absl::Minutes(1);
constexpr auto kDrainTime = std::chrono::seconds(30);

}  // namespace

Server::Server(const SignerConfig& config, std::shared_ptr<const AuthorizationPolicy> policy)
    : config_(config),
      policies_(std::move(policy)),
      policy_watch_(config.policy, policies_,
                    [this, kinds = config.identity_kinds](const PolicyReload& reload) {
                      LogPolicyReload(reload, *policies_.Get(), kinds, config_.policy);
                      events_->RecordPolicy(reload);
                    }) {}

absl::StatusOr<std::unique_ptr<Server>> Server::New(const SignerConfig& config) {
  absl::StatusOr<AuthorizationPolicy> policy = LoadPolicy(config.policy);
  RETURN_IF_ERROR(Annotate(policy.status(), "policy"));
  LogPolicy(*policy, config.identity_kinds, config.policy);
  std::unique_ptr<Server> server(
      new Server(config, std::make_shared<const AuthorizationPolicy>(*std::move(policy))));
  RETURN_IF_ERROR(server->OpenAuditLog());
  ASSIGN_OR_RETURN(server->keystore_, OpenKeystore::New(config));
  if (const auto& finished = server->keystore_->finished_at_start()) {
    server->events_->RecordFinished(*finished);
  }
  RETURN_IF_ERROR(Annotate(CheckAuditAnchor(config.audit, server->keystore_->registry(),
                                            *server->audit_, *server->events_),
                           "audit.file"));
  RETURN_IF_ERROR(server->OpenAuditKey());
  RETURN_IF_ERROR(server->OpenTls());
  server->MakeServices();
  RETURN_IF_ERROR(server->Listen());
  RETURN_IF_ERROR(server->OpenMonitoring());
  RETURN_IF_ERROR(server->Serve());
  return server;
}

absl::Status Server::OpenAuditLog() {
  if (config_.audit.forward.kind != ForwardConfig::Kind::kNone) {
    absl::StatusOr<std::shared_ptr<ForwardingSink>> sink = NewAuditSink(config_.audit.forward);
    RETURN_IF_ERROR(Annotate(sink.status(), "audit.forward"));
    sink_ = *std::move(sink);
  }
  absl::StatusOr<std::unique_ptr<AuditLog>> audit =
      AuditLog::New({.file = config_.audit.file,
                     .rotate_bytes = int64_t{config_.audit.rotate_mib} << 20,
                     .rotate_age = config_.audit.rotate_age,
                     .checkpoint_records = config_.audit.checkpoint_records,
                     .checkpoint_interval = config_.audit.checkpoint_interval,
                     .sink = sink_});
  RETURN_IF_ERROR(Annotate(audit.status(), "audit.file"));
  audit_ = *std::move(audit);
  events_ = std::make_unique<DaemonEvents>(*audit_);
  return Annotate(events_->RecordStart(KEYWARD_VERSION, policies_.Get()->sha256()), "audit.file");
}

absl::Status Server::OpenAuditKey() {
  absl::StatusOr<std::unique_ptr<AuditKey>> key =
      AuditKey::New({keystore_->keystore(), keystore_->lifecycle(), keystore_->snapshots(),
                     [this] { return keystore_->RefreshSnapshot(); }},
                    absl::Now() + kAuditKeyDeadline);
  RETURN_IF_ERROR(Annotate(key.status(), "the key of the audit log"));
  audit_key_ = *std::move(key);
  audit_->SetAnchorKeeper([this](const ChainLink& link) {
    return keystore_->registry().SetAuditAnchor(link.sequence, link.sha256);
  });
  audit_->SetCheckpointSigner([this](const std::string& statement, absl::Time deadline) {
    return audit_key_->Sign(statement, deadline);
  });
  return absl::OkStatus();
}

absl::Status Server::OpenTls() {
  ASSIGN_OR_RETURN(tls_, server::ReloadingTlsCredentials::New(
                             config_.tls, kTlsInterval, [this](const server::TlsReload& reload) {
                               events_->RecordTlsFiles(reload);
                             }));
  callers_ = std::make_unique<Callers>(
      CallersOptions{.verifiers = &tls_->client_verifiers(), .kinds = config_.identity_kinds});
  return absl::OkStatus();
}

void Server::MakeServices() {
  metrics_ = std::make_unique<Metrics>(MetricsSources{
      .snapshots = keystore_->snapshots(),
      .health = [this] { return health_service_->health(); },
      .queue_length = [this] { return signing_service_->queue_length(); },
      .sessions = [this] { return keystore_->sessions().stats(); },
      .tls_certificate_end = [this] { return tls_->not_after(); },
      .client_crl_end = config_.tls.client_crl.empty() ? std::function<absl::Time()>()
                                                       : [this] { return tls_->client_crl_end(); },
      .quota_refusals = [this] { return quotas_.refusals(); },
      .client_connections = [this] { return acceptor_->stats(); },
      .forward =
          sink_ == nullptr ? std::function<ForwardStats()>() : [this] { return sink_->stats(); }});
  signer_ = std::make_unique<Signer>(
      SignerParts{.callers = *callers_,
                  .policies = policies_,
                  .quotas = quotas_,
                  .snapshots = keystore_->snapshots(),
                  .sessions = keystore_->sessions(),
                  .audit = *audit_,
                  .times = metrics_->sign_times(),
                  .claims_limits = {config_.max_assertion_lifetime, config_.clock_skew}});
  signing_service_ = std::make_unique<SigningService>(
      *signer_, *metrics_, keystore_->sessions().size(), static_cast<size_t>(config_.queue));
  administration_ = std::make_unique<AdministrationApi>(
      AdministrationParts{
          .callers = *callers_,
          .policies = policies_,
          .quotas = quotas_,
          .keystore = keystore_->keystore(),
          .lifecycle = keystore_->lifecycle(),
          .snapshots = keystore_->snapshots(),
          .refresh_snapshot = [this] { return keystore_->RefreshSnapshot(); },
          .audit = *audit_,
          .calls = metrics_->calls(),
          .adoption = AdoptionOptions{.key_requirements = RequirementsOf(config_.token),
                                      .scope = {config_.token.adoptable_labels},
                                      .certificate_validity = CertificateValidity(config_)}},
      *audit_key_, config_.audit.file);
  std::set<std::string> services = AdministrationApi::ServiceNames();
  services.insert(v1::Signer::service_full_name());
  health_service_ = std::make_unique<server::HealthService>(std::move(services));
}

absl::Status Server::Listen() {
  absl::StatusOr<std::unique_ptr<server::Acceptor>> acceptor =
      server::Acceptor::New(config_.listen, config_.connections);
  RETURN_IF_ERROR(Annotate(acceptor.status(), "listen"));
  acceptor_ = *std::move(acceptor);
  return absl::OkStatus();
}

absl::Status Server::OpenMonitoring() {
  if (config_.monitoring.listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<server::HttpListener>> monitoring =
      StartMonitoring(config_.monitoring.listen,
                      {.metrics = *metrics_, .snapshots = keystore_->snapshots(), .health = [this] {
                         return health_service_->health();
                       }});
  RETURN_IF_ERROR(Annotate(monitoring.status(), "monitoring.listen"));
  monitoring_ = *std::move(monitoring);
  spdlog::info("monitoring on http://{}", monitoring_->address());
  return absl::OkStatus();
}

absl::Status Server::Serve() {
  grpc::EnableDefaultHealthCheckService(false);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  acceptor_->AddTo(builder, tls_);
  server::LimitResources(builder, kServerLimits);
  builder.RegisterService(signing_service_->service());
  administration_->RegisterWith(builder);
  builder.RegisterService(health_service_.get());
  std::unique_ptr<grpc::ServerCompletionQueue> completion_queue = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC does not start a server");
  signing_service_->Start(std::move(completion_queue));
  acceptor_->Start();
  address_ =
      absl::StrCat(config_.listen.substr(0, config_.listen.rfind(':')), ":", acceptor_->port());
  readiness_ = std::make_unique<server::Readiness>(
      [this] { return CheckReady(); }, [this](const absl::Status& ready) { TellReady(ready); },
      kHealthInterval);
  return absl::OkStatus();
}

void Server::TellReady(const absl::Status& ready) {
  health_service_->SetReady(ready);
  policy_watch_.Poll();
  events_->RecordRecoveries(keystore_->sessions().stats().recoveries);
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
  events_->RecordFinished(status);
  if (!status.ok()) {
    spdlog::error("what a failed call left is not finished yet: {}", std::string(status.message()));
  }
}

void Server::Drain() {
  if (health_service_ != nullptr) health_service_->Drain();
  if (acceptor_ != nullptr) acceptor_->Stop();
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now() + kDrainTime);
  if (signing_service_ != nullptr) signing_service_->Stop();
}

Server::~Server() {
  Drain();
  readiness_.reset();
  server_.reset();
  tls_.reset();
  monitoring_.reset();
  if (events_ != nullptr) events_->RecordStop();
  audit_.reset();
  audit_key_.reset();
  keystore_.reset();
}

}  // namespace keyward::signer
