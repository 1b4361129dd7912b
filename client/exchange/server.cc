#include "client/exchange/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/security/server_credentials.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/exchange/login_log.h"
#include "client/exchange/monitoring.h"
#include "client/exchange/signer_errors.h"
#include "client/tokens/signer_login.h"
#include "client/tokens/thread_scheduler.h"
#include "common/error.h"
#include "common/server/grpc_server.h"
#include "common/status_macros.h"
#include "signer/policy_log.h"

namespace keyward::exchange {
namespace {

constexpr absl::Duration kCheckInterval = absl::Seconds(1);
constexpr absl::Duration kDrainTime = absl::Seconds(30);

// Whoever comes over the socket is of a kind, too.
signer::IdentityKinds KindsOfCallers(const ExchangeConfig& config) {
  signer::IdentityKinds kinds = config.identity_kinds;
  const absl::string_view socket = config.unix_socket.identity;
  kinds.spiffe |= absl::StartsWith(socket, "spiffe:");
  kinds.dns |= absl::StartsWith(socket, "dns:");
  kinds.common_name |= absl::StartsWith(socket, "cn:");
  return kinds;
}

// Null where nothing is listened on with TLS.
absl::StatusOr<std::shared_ptr<server::ReloadingTlsCredentials>> OpenTls(
    const ExchangeConfig& config) {
  if (config.listen.empty()) return nullptr;
  absl::StatusOr<std::shared_ptr<server::ReloadingTlsCredentials>> tls =
      server::ReloadingTlsCredentials::New(config.tls);
  RETURN_IF_ERROR(Annotate(tls.status(), "tls"));
  return tls;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::New(const ExchangeConfig& config) {
  absl::StatusOr<signer::AuthorizationPolicy> policy = signer::LoadPolicy(config.policy);
  RETURN_IF_ERROR(Annotate(policy.status(), "policy"));
  signer::LogPolicy(*policy, KindsOfCallers(config), config.policy);
  ASSIGN_OR_RETURN(std::shared_ptr<server::ReloadingTlsCredentials> tls, OpenTls(config));
  std::unique_ptr<Server> server(
      new Server(config, std::move(tls),
                 std::make_shared<const signer::AuthorizationPolicy>(*std::move(policy))));
  server->health_service_ = std::make_unique<server::HealthService>(
      std::set<std::string>{v1::Exchange::service_full_name()});
  RETURN_IF_ERROR(server->OpenClients(config));
  RETURN_IF_ERROR(server->Listen(config));
  RETURN_IF_ERROR(server->OpenMonitoring(config.monitoring));
  RETURN_IF_ERROR(server->Serve(config));
  return server;
}

Server::Server(const ExchangeConfig& config, std::shared_ptr<server::ReloadingTlsCredentials> tls,
               std::shared_ptr<const signer::AuthorizationPolicy> policy)
    : tls_(std::move(tls)),
      callers_({.verifiers = tls_ == nullptr ? nullptr : &tls_->client_verifiers(),
                .kinds = config.identity_kinds,
                .socket_identity = config.unix_socket.identity}),
      policies_(std::move(policy)),
      policy_watch_(config.policy, policies_,
                    [this, kinds = KindsOfCallers(config),
                     file = config.policy](const signer::PolicyReload& reload) {
                      signer::LogPolicyReload(reload, *policies_.Get(), kinds, file);
                    }),
      gatekeeper_(policies_, callers_) {}

absl::Status Server::OpenClients(const ExchangeConfig& config) {
  absl::StatusOr<std::unique_ptr<client::HttpsClient>> https = NewHttpsClient(config);
  RETURN_IF_ERROR(Annotate(https.status(), "https"));
  https_ = *std::move(https);
  absl::StatusOr<std::unique_ptr<client::ReloadingSignerClient>> signer =
      client::ReloadingSignerClient::New(config.signer);
  RETURN_IF_ERROR(Annotate(signer.status(), "signer"));
  signer_ = *std::move(signer);

  lookups_ = std::make_unique<SignerLookups>([this] { return signer_->Get(); });
  ASSIGN_OR_RETURN(auto exchange, client::TokenExchange::New(https_));
  ASSIGN_OR_RETURN(budget_, client::LoginBudget::New(config.budget));
  ASSIGN_OR_RETURN(circuits_, client::CircuitBreaker::New({}));
  ASSIGN_OR_RETURN(auto connections, client::ConnectionDirectory::New(
                                         {}, [this](const std::string& name, absl::Time deadline) {
                                           return lookups_->Get(name, deadline);
                                         }));
  ASSIGN_OR_RETURN(auto scheduler, client::ThreadScheduler::New(config.logins_at_once));
  auto login = std::make_shared<LoginLog>(std::make_shared<client::SignerLogin>(
      client::SignerLoginParts{.signer = [this] { return signer_->Get(); },
                               .exchange = std::move(exchange),
                               .budget = budget_,
                               .circuits = circuits_}));
  metrics_ = std::make_unique<ExchangeMetrics>(MetricsSources{
      .health = [this] { return health_service_->health(); },
      .tokens = [this] { return tokens_->stats(); },
      .signer_answers = [this] { return lookups_->answers(); },
      .open_circuits = [this] { return circuits_->open(); },
      .server_certificate_end =
          tls_ == nullptr ? std::function<absl::Time()>() : [this] { return tls_->not_after(); },
      .client_crl_end = config.tls.client_crl.empty() ? std::function<absl::Time()>()
                                                      : [this] { return tls_->client_crl_end(); },
      .client_certificate_end = [this] { return signer_->not_after(); },
      .client_connections = tls_ == nullptr ? std::function<server::ConnectionStats()>()
                                            : [this] { return acceptor_->stats(); }});
  client::AccessTokensOptions options = config.tokens;
  // A quarter, so that one connection's silent login host leaves threads for the others.
  options.max_logins_of_connection = std::max(config.logins_at_once / 4, 1);
  ASSIGN_OR_RETURN(tokens_, client::AccessTokens::New({.scheduler = std::move(scheduler),
                                                       .login = std::move(login),
                                                       .connections = std::move(connections)},
                                                      options, metrics_.get()));
  return absl::OkStatus();
}

absl::Status Server::Listen(const ExchangeConfig& config) {
  if (config.listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<server::Acceptor>> acceptor =
      server::Acceptor::New(config.listen, config.connections);
  RETURN_IF_ERROR(Annotate(acceptor.status(), "listen"));
  acceptor_ = *std::move(acceptor);
  return absl::OkStatus();
}

absl::Status Server::OpenMonitoring(const server::MonitoringConfig& config) {
  if (config.listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<server::HttpListener>> monitoring =
      StartMonitoring(config.listen, *metrics_, [this] { return health_service_->health(); });
  RETURN_IF_ERROR(Annotate(monitoring.status(), "monitoring.listen"));
  monitoring_ = *std::move(monitoring);
  spdlog::info("monitoring on http://{}", monitoring_->address());
  return absl::OkStatus();
}

absl::Status Server::Serve(const ExchangeConfig& config) {
  service_ = std::make_unique<ExchangeService>(ExchangeServiceParts{
      .gatekeeper = gatekeeper_,
      .tokens = *tokens_,
      .test = [this](const client::TestConnectionCall& call) { return Test(call); },
      .calls = metrics_->calls()});
  grpc::EnableDefaultHealthCheckService(false);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  if (acceptor_ != nullptr) acceptor_->AddTo(builder, tls_);
  if (!config.unix_socket.socket.path.empty()) {
    absl::StatusOr<std::unique_ptr<server::UnixSocketPlace>> place =
        server::UnixSocketPlace::New(config.unix_socket.socket);
    RETURN_IF_ERROR(Annotate(place.status(), "unix_socket"));
    socket_ = *std::move(place);
    builder.AddListeningPort(socket_->bind_address(),
                             grpc::experimental::LocalServerCredentials(UDS));
  }
  server::LimitResources(builder, {.name = "keyward-exchange"});
  builder.RegisterService(service_.get());
  builder.RegisterService(health_service_.get());
  std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) return absl::InternalError("gRPC does not start a server");
  service_->Start(std::move(queue));
  if (acceptor_ != nullptr) {
    acceptor_->Start();
    addresses_.push_back(
        absl::StrCat(config.listen.substr(0, config.listen.rfind(':')), ":", acceptor_->port()));
  }
  if (socket_ != nullptr) {
    RETURN_IF_ERROR(Annotate(socket_->Publish(), "unix_socket"));
    addresses_.push_back(socket_->address());
  }
  readiness_ = std::make_unique<server::Readiness>(
      [this] { return CheckReady(); },
      [this](const absl::Status& ready) { health_service_->SetReady(ready); }, kCheckInterval);
  return absl::OkStatus();
}

// Not whether the signer or Salesforce can be reached: what is cached is good without
// them, and another instance would not reach them either.
absl::Status Server::CheckReady() {
  policy_watch_.Poll();
  const absl::StatusOr<bool> renewed = signer_->Poll();
  if (!renewed.ok()) {
    spdlog::error("signer: the changed files are not used, the former ones are: {}",
                  std::string(renewed.status().message()));
  } else if (*renewed) {
    spdlog::info("signer: new client certificate");
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::TestConnectionResponse> Server::Test(const client::TestConnectionCall& call) {
  const std::shared_ptr<client::SignerClient> signer = signer_->Get();
  absl::StatusOr<v1::TestConnectionResponse> report = client::TestConnection(
      {.signer = *signer,
       .https = *https_,
       .take_login = [this](
                         const std::string& connection,
                         const std::string& subject) { return budget_->Take(connection, subject); },
       .return_login = [this](const std::string& connection,
                              const std::string& subject) { budget_->Return(connection, subject); },
       .signer_error =
           [&call](const absl::Status& status) {
             return LoggedForCallers(call.request.connection(), status);
           },
       .by_exchange = true},
      call);
  if (report.ok() && report->verified()) {
    tokens_->ForgetRefusal(call.request.connection(), call.request.subject());
  }
  return report;
}

std::string Server::address() const { return absl::StrJoin(addresses_, " and "); }

void Server::Drain() {
  const absl::Time deadline = absl::Now() + kDrainTime;
  if (std::exchange(drained_, true)) return;
  if (health_service_ != nullptr) health_service_->Drain();
  if (service_ != nullptr) service_->RefuseTests();
  // New calls go on being taken until the server is shut down, and may still be hits.
  if (tokens_ != nullptr) tokens_->Drain(deadline);
  if (acceptor_ != nullptr) acceptor_->Stop();
  if (server_ != nullptr) server_->Shutdown(absl::ToChronoTime(absl::Now() + kDrainTime));
  if (service_ != nullptr) service_->Stop();
}

Server::~Server() {
  Drain();
  readiness_.reset();
  server_.reset();
  monitoring_.reset();
  tokens_.reset();
}

}  // namespace keyward::exchange
