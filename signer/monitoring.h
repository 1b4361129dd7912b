// Metrics and health for monitoring systems, over plain HTTP.
#ifndef KEYWARD_SIGNER_MONITORING_H_
#define KEYWARD_SIGNER_MONITORING_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/server/health.h"
#include "common/server/http_listener.h"
#include "keystore/registry/snapshot.h"
#include "signer/metrics.h"

namespace keyward::signer {

// `health` and the certificates of `snapshot` that are within kCertificateWarning of
// their end, as JSON:
//   {"status": "SERVING" | "NOT_SERVING" | "DRAINING",
//    "reason": of NOT_SERVING only,
//    "certificates": [{"connection", "key_version", "state": "ACTIVE", "not_after":
//        "2026-01-31T12:00:00Z", "days_left", "status": "EXPIRING" | "EXPIRED"}]}
std::string HealthJson(const server::Health& health, const registry::Snapshot& snapshot,
                       absl::Time now);

// All of it outlives the server.
struct MonitoringParts {
  const Metrics& metrics;
  const registry::SnapshotHolder& snapshots;
  std::function<server::Health()> health;
};

// What GET of `path` answers: /metrics, and /health with 200 while the signer serves
// and 503 while it does not; 404 for anything else.
server::HttpAnswer AnswerMonitoring(const MonitoringParts& parts, absl::string_view path);

// Serves AnswerMonitoring() on `address`, "HOST:PORT". Nobody is authenticated.
// UNAVAILABLE where it cannot listen there.
absl::StatusOr<std::unique_ptr<server::HttpListener>> StartMonitoring(const std::string& address,
                                                                      MonitoringParts parts);

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_MONITORING_H_
