// keyward-exchange as a whole: everything that exchange.yaml describes, running.
#ifndef KEYWARD_CLIENT_EXCHANGE_SERVER_H_
#define KEYWARD_CLIENT_EXCHANGE_SERVER_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/exchange/caller.h"
#include "client/exchange/config.h"
#include "client/exchange/exchange_metrics.h"
#include "client/exchange/exchange_service.h"
#include "client/exchange/signer_lookups.h"
#include "client/https/https_client.h"
#include "client/reloading_signer_client.h"
#include "client/tokens/access_tokens.h"
#include "client/tokens/circuit_breaker.h"
#include "client/tokens/login_budget.h"
#include "common/server/acceptor.h"
#include "common/server/daemon.h"
#include "common/server/health_service.h"
#include "common/server/http_listener.h"
#include "common/server/listen_address.h"
#include "common/server/readiness.h"
#include "common/server/tls_credentials.h"
#include "signer/callers.h"
#include "signer/policy_holder.h"
#include "signer/policy_watch.h"

namespace keyward::exchange {

class Server final : public server::RunningDaemon {
 public:
  // Reads the policy and the files of TLS, and serves. It does not wait for the signer.
  // Every error says which setting it comes from.
  static absl::StatusOr<std::unique_ptr<Server>> New(const ExchangeConfig& config);

  // Drain() if that has not been called.
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:7444" with the port that was really bound, "unix:/path", or
  // "127.0.0.1:7444 and unix:/path".
  std::string address() const override;

  // Health turns NOT_SERVING, new calls are refused, and those under way finish: those
  // that wait for a login too.
  void Drain() override;

 private:
  // `tls` is null where nothing is listened on with it.
  Server(const ExchangeConfig& config, std::shared_ptr<server::ReloadingTlsCredentials> tls,
         std::shared_ptr<const signer::AuthorizationPolicy> policy);

  absl::Status OpenClients(const ExchangeConfig& config);
  absl::Status Listen(const ExchangeConfig& config);
  absl::Status OpenMonitoring(const server::MonitoringConfig& config);
  absl::Status Serve(const ExchangeConfig& config);
  absl::StatusOr<v1::TestConnectionResponse> Test(const client::TestConnectionCall& call);
  absl::Status CheckReady();

  const std::shared_ptr<server::ReloadingTlsCredentials> tls_;
  const signer::Callers callers_;
  signer::PolicyHolder policies_;
  signer::PolicyWatch policy_watch_;
  const Gatekeeper gatekeeper_;
  std::unique_ptr<server::HealthService> health_service_;
  std::unique_ptr<ExchangeMetrics> metrics_;
  std::shared_ptr<client::HttpsClient> https_;
  std::unique_ptr<client::ReloadingSignerClient> signer_;
  std::unique_ptr<SignerLookups> lookups_;
  std::shared_ptr<client::LoginBudget> budget_;
  std::shared_ptr<client::CircuitBreaker> circuits_;
  std::unique_ptr<client::AccessTokens> tokens_;
  std::unique_ptr<ExchangeService> service_;
  std::unique_ptr<server::UnixSocketPlace> socket_;
  // Null where the settings want none.
  std::unique_ptr<server::HttpListener> monitoring_;
  // Null where there is only a Unix socket.
  std::unique_ptr<server::Acceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<server::Readiness> readiness_;
  std::vector<std::string> addresses_;
  bool drained_ = false;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_SERVER_H_
