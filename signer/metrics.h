// What Prometheus reads of the signer.
#ifndef KEYWARD_SIGNER_METRICS_H_
#define KEYWARD_SIGNER_METRICS_H_

#include <prometheus/registry.h>

#include <cstddef>
#include <functional>
#include <string>

#include "absl/time/time.h"
#include "common/server/call_counts.h"
#include "common/server/connection_table.h"
#include "common/server/health.h"
#include "keystore/pkcs11/session_pool.h"
#include "keystore/registry/snapshot.h"
#include "signer/audit/forwarding_sink.h"
#include "signer/quotas.h"
#include "signer/sign_times.h"

namespace keyward::signer {

// Where the picture of the moment comes from. Each is asked at every scrape, from any
// thread, and none before the first.
struct MetricsSources {
  const registry::SnapshotHolder& snapshots;
  std::function<server::Health()> health;
  std::function<size_t()> queue_length;
  std::function<pkcs11::SessionPoolStats()> sessions;
  // Where the TLS certificate ends that callers are shown. Null where nobody knows:
  // there is no such series then.
  std::function<absl::Time()> tls_certificate_end;
  // Where the first CRL of the clients' authorities ends; null where there is none.
  std::function<absl::Time()> client_crl_end = nullptr;
  // Null where there are no quotas: there are no such series then.
  std::function<QuotaRefusals()> quota_refusals = nullptr;
  // Null where nobody knows: there are no such series then.
  std::function<server::ConnectionStats()> client_connections = nullptr;
  // Null where the settings have no audit.forward: there are no such series then.
  std::function<ForwardStats()> forward = nullptr;
};

// Metrics are of two kinds: those that are counted as things happen live in
// registry(), and those that are a picture of the moment are worked out at each
// scrape, so that they are right after every change and the series of what is gone are
// gone too. No label may hold what a caller chose, but for the name of a connection
// that exists. Thread-safe.
class Metrics {
 public:
  // What `sources` refers to outlives this.
  explicit Metrics(MetricsSources sources);

  // For counters and histograms of other parts.
  prometheus::Registry& registry() { return registry_; }
  // Of all the signer's services but health and reflection.
  server::CallCounts& calls() { return calls_; }
  SignTimes& sign_times() { return sign_times_; }

  // Everything as of `now`, in Prometheus's text format 0.0.4:
  //   keyward_build_info{version}                 1
  //   keyward_serving                             1 while health is SERVING, else 0
  //   keyward_certificates_expiring               ExpiringVersions(), the expired included
  //   keyward_certificate_expiry_timestamp_seconds{connection,key_version}
  //                                               WatchedVersions(); seconds since 1970
  //   keyward_tls_certificate_expiry_timestamp_seconds
  //   keyward_client_crl_expiry_timestamp_seconds
  //   keyward_sign_queue_length                   calls that wait for their turn
  //   keyward_sessions, keyward_sessions_in_use   SessionPoolStats
  //   keyward_session_recoveries_total{outcome}   "recovered", "failed"
  //   keyward_audit_forward_connected, keyward_audit_forward_dropped_total   ForwardStats
  //   keyward_quota_refusals_total{kind}          "identity", "connection"
  // and what is counted: keyward_calls_total, keyward_sign_seconds.
  std::string Text(absl::Time now) const;

 private:
  const MetricsSources sources_;
  prometheus::Registry registry_;
  server::CallCounts calls_;
  SignTimes sign_times_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_METRICS_H_
