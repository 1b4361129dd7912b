// What Prometheus reads of keyward-exchange.
#ifndef KEYWARD_CLIENT_EXCHANGE_EXCHANGE_METRICS_H_
#define KEYWARD_CLIENT_EXCHANGE_EXCHANGE_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstddef>
#include <functional>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/tokens/access_tokens.h"
#include "client/tokens/token_observer.h"
#include "common/mutex.h"
#include "common/server/call_counts.h"
#include "common/server/connection_table.h"
#include "common/server/health.h"

namespace keyward::exchange {

// Where the picture of the moment comes from. Each is asked at every scrape, from any
// thread, and none before the first.
struct MetricsSources {
  std::function<server::Health()> health;
  std::function<client::AccessTokensStats()> tokens;
  // Whether the signer answered when it was last asked for a connection.
  std::function<bool()> signer_answers;
  std::function<size_t()> open_circuits;
  // Ends of the certificate that callers are shown, and of the one that the signer is.
  // The first is null where there is no TLS listener.
  std::function<absl::Time()> server_certificate_end;
  // Where the first CRL of the clients' authorities ends; null where there is none.
  std::function<absl::Time()> client_crl_end;
  std::function<absl::Time()> client_certificate_end;
  // Null where there is no TLS listener: there are no such series then.
  std::function<server::ConnectionStats()> client_connections = nullptr;
};

// No label holds what a caller chose: methods, codes, reasons and phases are closed
// lists. Thread-safe.
class ExchangeMetrics : public client::TokenObserver {
 public:
  // What `sources` refers to outlives this.
  explicit ExchangeMetrics(MetricsSources sources);

  // Of the service Exchange.
  server::CallCounts& calls() { return calls_; }

  // A call for a token was answered, and a login was tried.
  void OnCall(client::CallKind kind, const absl::Status& outcome, absl::Duration waited) override;
  void OnLogin(client::LoginCause cause, const absl::Status& outcome,
               const client::LoginTimes& times) override;

  // Everything in Prometheus's text format 0.0.4; docs/exchange.md has the list.
  std::string Text() const;

 private:
  prometheus::Counter& LoginsEnded(const absl::Status& outcome) ABSL_LOCKS_EXCLUDED(mutex_);

  const MetricsSources sources_;
  prometheus::Registry registry_;
  server::CallCounts calls_;
  // By CallKind and LoginCause.
  std::array<prometheus::Counter*, 5> lookups_;
  std::array<prometheus::Counter*, 3> causes_;
  prometheus::Family<prometheus::Counter>& logins_;
  Mutex mutex_;
  // The values of the label that `logins_` has.
  std::set<std::string> results_ ABSL_GUARDED_BY(mutex_);
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Histogram& queue_;
  prometheus::Histogram& signer_;
  prometheus::Histogram& network_;
  prometheus::Histogram& waited_;
};

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_EXCHANGE_METRICS_H_
