// What Prometheus reads of the signer.
#ifndef KEYWARD_SIGNER_METRICS_H_
#define KEYWARD_SIGNER_METRICS_H_

#include <prometheus/registry.h>

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "common/server/health.h"
#include "keystore/registry/snapshot.h"

namespace keyward::signer {

// Metrics are of two kinds: those that are counted as things happen live in
// registry(), and those that are a picture of the moment are worked out at each
// scrape, so that they are right after every change and the series of what is gone are
// gone too. No label may hold what a caller chose, but for the name of a connection
// that exists. Thread-safe.
class Metrics {
 public:
  // `snapshots` and what `health` refers to outlive this.
  Metrics(const registry::SnapshotHolder& snapshots, std::function<server::Health()> health);

  // For counters and histograms of other parts.
  prometheus::Registry& registry() { return registry_; }

  // Everything as of `now`, in Prometheus's text format 0.0.4:
  //   keyward_build_info{version}                 1
  //   keyward_serving                             1 while health is SERVING, else 0
  //   keyward_certificates_expiring               ExpiringVersions(), the expired included
  //   keyward_certificate_expiry_timestamp_seconds{connection,key_version}
  //                                               WatchedVersions(); seconds since 1970
  std::string Text(absl::Time now) const;

 private:
  const registry::SnapshotHolder& snapshots_;
  const std::function<server::Health()> health_;
  prometheus::Registry registry_;
};

}  // namespace keyward::signer

#endif  // KEYWARD_SIGNER_METRICS_H_
