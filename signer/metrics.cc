#include "signer/metrics.h"

#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/certificate_expiry.h"
#include "signer/certificate_watch.h"

namespace keyward::signer {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

MetricFamily GaugeFamily(const char* name, std::string help) {
  MetricFamily family;
  family.name = name;
  family.help = std::move(help);
  family.type = prometheus::MetricType::Gauge;
  return family;
}

MetricFamily SingleGauge(const char* name, std::string help, double value) {
  MetricFamily family = GaugeFamily(name, std::move(help));
  family.metric.emplace_back().gauge.value = value;
  return family;
}

MetricFamily CertificateEnds(const registry::Snapshot& snapshot) {
  MetricFamily family = GaugeFamily(
      "keyward_certificate_expiry_timestamp_seconds",
      "End of the certificate of each key version that may sign, in seconds since 1970.");
  for (const registry::KeyVersion* version : WatchedVersions(snapshot)) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{"connection", version->connection},
                    {"key_version", absl::StrCat(version->number)}};
    metric.gauge.value = static_cast<double>(absl::ToUnixSeconds(version->certificate_not_after));
  }
  return family;
}

}  // namespace

Metrics::Metrics(const registry::SnapshotHolder& snapshots, std::function<server::Health()> health)
    : snapshots_(snapshots), health_(std::move(health)) {
  prometheus::BuildGauge()
      .Name("keyward_build_info")
      .Help("Always 1; the label has the version of keyward-signer.")
      .Register(registry_)
      .Add({{"version", KEYWARD_VERSION}})
      .Set(1);
}

std::string Metrics::Text(absl::Time now) const {
  const std::shared_ptr<const registry::Snapshot> snapshot = snapshots_.Get();
  std::vector<MetricFamily> families = registry_.Collect();
  families.push_back(SingleGauge("keyward_serving",
                                 "1 while the signer can sign, 0 while it cannot or drains.",
                                 health_().state == server::Health::State::kServing ? 1 : 0));
  families.push_back(SingleGauge(
      "keyward_certificates_expiring",
      absl::StrCat(
          "Key versions that may sign and whose certificate has expired or does so within ",
          absl::ToInt64Hours(kCertificateWarning) / 24, " days."),
      static_cast<double>(ExpiringVersions(*snapshot, now).size())));
  families.push_back(CertificateEnds(*snapshot));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace keyward::signer
