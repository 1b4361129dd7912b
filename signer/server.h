// keyward-signer as a whole: everything that signer.yaml describes, running.
#ifndef KEYWARD_SIGNER_SERVER_H_
#define KEYWARD_SIGNER_SERVER_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/server/acceptor.h"
#include "common/server/daemon.h"
#include "common/server/grpc_server.h"
#include "common/server/health_service.h"
#include "common/server/http_listener.h"
#include "common/server/readiness.h"
#include "common/server/tls_credentials.h"
#include "signer/administration_api.h"
#include "signer/audit/forwarding_sink.h"
#include "signer/audit_key.h"
#include "signer/audit_log.h"
#include "signer/callers.h"
#include "signer/certificate_watch.h"
#include "signer/config.h"
#include "signer/daemon_events.h"
#include "signer/metrics.h"
#include "signer/open_keystore.h"
#include "signer/policy_holder.h"
#include "signer/policy_watch.h"
#include "signer/quotas.h"
#include "signer/signer.h"
#include "signer/signing_service.h"

namespace keyward::signer {

// A request may be more than a connection with every list full; claims have 4 KiB at most.
inline const server::GrpcLimits kServerLimits = {.name = "keyward-signer",
                                                 .max_request_bytes = 64 * 1024};

class Server final : public server::RunningDaemon {
 public:
  // Reads the policy, opens audit log, registry and token, finishes what a crash
  // left, makes the audit key where there is none, and serves. Every error says which
  // setting it comes from.
  static absl::StatusOr<std::unique_ptr<Server>> New(const SignerConfig& config);

  // Drain() if that has not been called; then in order: monitoring, the audit log with its
  // last checkpoint, the sessions, the module.
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:7443", with the port that was really bound.
  std::string address() const override { return address_; }

  // Health turns NOT_SERVING, new calls are refused, and those under way finish.
  void Drain() override;

 private:
  Server(const SignerConfig& config, std::shared_ptr<const AuthorizationPolicy> policy);

  absl::Status OpenAuditLog();
  absl::Status OpenAuditKey();
  absl::Status OpenTls();
  void MakeServices();
  absl::Status Listen();
  absl::Status OpenMonitoring();
  absl::Status Serve();
  absl::Status CheckReady();
  void FinishInterruptedNowAndThen(absl::Time deadline);
  void TellReady(const absl::Status& ready);

  const SignerConfig config_;
  PolicyHolder policies_;
  Quotas quotas_;
  // Null where records go nowhere else.
  std::shared_ptr<ForwardingSink> sink_;
  std::unique_ptr<OpenKeystore> keystore_;
  std::unique_ptr<AuditKey> audit_key_;
  // Closed before the key that vouches for it.
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<DaemonEvents> events_;
  // Used by the server to its end.
  std::shared_ptr<server::ReloadingTlsCredentials> tls_;
  std::unique_ptr<const Callers> callers_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Signer> signer_;
  std::unique_ptr<SigningService> signing_service_;
  std::unique_ptr<AdministrationApi> administration_;
  std::unique_ptr<server::HealthService> health_service_;
  // Null where the settings want none.
  std::unique_ptr<server::HttpListener> monitoring_;
  std::unique_ptr<server::Acceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<server::Readiness> readiness_;
  std::string address_;
  // Used by the readiness thread only, all three.
  PolicyWatch policy_watch_;
  absl::Time next_finish_ = absl::InfinitePast();
  CertificateWarnings certificate_warnings_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_SERVER_H_
