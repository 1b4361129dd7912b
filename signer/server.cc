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
#include "common/server/grpc_server.h"
#include "common/server/listen_address.h"
#include "common/status_macros.h"
#include "keystore/certificate/rsa_public_key.h"
#include "keystore/registry/sqlite_registry.h"
#include "signer/monitoring.h"

namespace keyward::signer {
namespace {

// A request may be more than a connection with every list full; claims have 4 KiB at most.
const server::GrpcLimits kLimits = {.name = "keyward-signer", .max_request_bytes = 64 * 1024};
constexpr absl::Duration kHealthInterval = absl::Seconds(1);
constexpr absl::Duration kFinishInterval = absl::Minutes(1);
constexpr absl::Duration kStartDeadline = absl::Minutes(5);
constexpr auto kDrainTime = std::chrono::seconds(30);

pkcs11::KeyRequirements RequirementsOf(const TokenConfig& config) {
  return {.allow_imported = config.allow_imported_keys};
}

absl::Duration CertificateValidity(const SignerConfig& config) {
  return absl::Hours(24) * config.certificate_validity_days;
}

absl::StatusOr<std::unique_ptr<pkcs11::SessionPool>> OpenToken(const TokenConfig& config) {
  absl::StatusOr<pkcs11::TokenUri> uri = pkcs11::TokenUri::Parse(config.uri);
  RETURN_IF_ERROR(Annotate(uri.status(), "token.uri"));
  ASSIGN_OR_RETURN(std::unique_ptr<pkcs11::Token> token,
                   pkcs11::Token::New({.module_path = config.module,
                                       .uri = *std::move(uri),
                                       .read_pin = [pin = config.pin] { return ReadPin(pin); },
                                       .pin_source = config.pin.Describe()}));
  return pkcs11::SessionPool::New(std::move(token), {.size = static_cast<size_t>(config.sessions),
                                                     .key_requirements = RequirementsOf(config)});
}

// The keys that should be on the token, each with its certificate's modulus.
absl::StatusOr<pkcs11::ExpectedKeys> ExpectedKeysOf(const registry::Contents& contents) {
  pkcs11::ExpectedKeys keys;
  for (const registry::KeyVersion& version : contents.key_versions) {
    const bool has_key = version.state != registry::VersionState::kDestroying &&
                         version.state != registry::VersionState::kDestroyed;
    if (!has_key) continue;
    ASSIGN_OR_RETURN(const EvpPkeyPtr key, PublicKeyOfCertificate(version.certificate_der));
    ASSIGN_OR_RETURN(keys[version.key_id], ModulusOf(*key));
  }
  return keys;
}

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
  RETURN_IF_ERROR(server->OpenKeystore(config));
  RETURN_IF_ERROR(server->Serve(config));
  return server;
}

absl::Status Server::OpenKeystore(const SignerConfig& config) {
  absl::StatusOr<std::unique_ptr<registry::Registry>> registry =
      registry::OpenSqliteRegistry(config.registry_sqlite);
  RETURN_IF_ERROR(Annotate(registry.status(), "registry.sqlite"));
  registry_ = *std::move(registry);
  absl::StatusOr<std::unique_ptr<pkcs11::SessionPool>> sessions = OpenToken(config.token);
  RETURN_IF_ERROR(Annotate(sessions.status(), "token"));
  sessions_ = *std::move(sessions);

  const absl::Time deadline = absl::Now() + kStartDeadline;
  ASSIGN_OR_RETURN(signing_, provider::SigningContext::New());
  keystore_.reset(new Keystore{*registry_, *sessions_, *signing_, turn_});
  lifecycle_ = std::make_unique<KeyLifecycle>(
      *keystore_, KeyLifecycleOptions{.certificate_validity = CertificateValidity(config)});
  // One key that can't be finished must not keep the others from signing; it is
  // tried again while the signer runs.
  if (absl::Status status = lifecycle_->FinishInterrupted(deadline); !status.ok()) {
    spdlog::error("what was interrupted is not finished yet: {}", std::string(status.message()));
  }
  ASSIGN_OR_RETURN(registry::Contents contents, registry_->Load());
  ASSIGN_OR_RETURN(pkcs11::ExpectedKeys keys, ExpectedKeysOf(contents));
  RETURN_IF_ERROR(sessions_->SetKeys(std::move(keys), deadline));
  ASSIGN_OR_RETURN(std::shared_ptr<const registry::Snapshot> snapshot,
                   registry::Snapshot::New(std::move(contents)));
  snapshots_ = std::make_unique<registry::SnapshotHolder>(std::move(snapshot));
  return absl::OkStatus();
}

absl::Status Server::Serve(const SignerConfig& config) {
  ASSIGN_OR_RETURN(tls_, server::ReloadingTlsCredentials::New(config.tls));
  callers_ = std::make_unique<Callers>(
      CallersOptions{.verifiers = &tls_->client_verifiers(), .kinds = config.identity_kinds});
  metrics_ = std::make_unique<Metrics>(MetricsSources{
      .snapshots = *snapshots_,
      .health = [this] { return health_service_->health(); },
      .queue_length = [this] { return signing_service_->queue_length(); },
      .sessions = [this] { return sessions_->stats(); },
      .tls_certificate_end = [this] { return tls_->not_after(); },
      .client_crl_end = config.tls.client_crl.empty() ? std::function<absl::Time()>()
                                                      : [this] { return tls_->client_crl_end(); }});
  signer_ =
      std::make_unique<Signer>(SignerParts{*callers_, *policy_, *snapshots_, *sessions_, *audit_,
                                           metrics_->sign_times(), config.max_assertion_lifetime});
  administration_ = std::make_unique<Administration>(
      AdministrationParts{*callers_, policies_, quotas_, *keystore_, *lifecycle_, *snapshots_,
                          *audit_, metrics_->calls(),
                          AdoptionOptions{.key_requirements = RequirementsOf(config.token),
                                          .scope = {config.token.adoptable_labels},
                                          .certificate_validity = CertificateValidity(config)}});
  signing_service_ = std::make_unique<SigningService>(*signer_, *metrics_, sessions_->size(),
                                                      static_cast<size_t>(config.queue));
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
  server::LimitResources(builder, kLimits);
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
      config.listen, {.metrics = *metrics_, .snapshots = *snapshots_, .health = [this] {
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
  const std::shared_ptr<const registry::Snapshot> snapshot = snapshots_->Get();
  for (const std::string& line : certificate_warnings_.Due(*snapshot, absl::Now())) {
    spdlog::warn("{}", line);
  }
}

absl::Status Server::CheckReady() {
  audit_->Probe();
  RETURN_IF_ERROR(audit_->CheckWritable());
  const absl::Time deadline = absl::Now() + kHealthInterval;
  RETURN_IF_ERROR(sessions_->CheckReady(deadline));
  FinishInterruptedNowAndThen(deadline);
  return registry_->Ping();
}

void Server::FinishInterruptedNowAndThen(absl::Time deadline) {
  if (!lifecycle_->HasUnfinished() || absl::Now() < next_finish_) return;
  next_finish_ = absl::Now() + kFinishInterval;
  absl::Status status = lifecycle_->FinishInterrupted(deadline);
  if (status.ok()) status = administration_->RefreshSnapshot();
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
  sessions_.reset();
}

}  // namespace keyward::signer
