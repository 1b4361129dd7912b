#include "signer/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/certificate_expiry.h"
#include "common/server/metric_families.h"
#include "keyward/v1/approvals.pb.h"
#include "keyward/v1/audit.pb.h"
#include "keyward/v1/connections.pb.h"
#include "keyward/v1/key_versions.pb.h"
#include "keyward/v1/policy.pb.h"
#include "keyward/v1/signer.pb.h"
#include "signer/certificate_watch.h"

namespace keyward::signer {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

// Sign first: it is looked for most often.
std::vector<const google::protobuf::ServiceDescriptor*> Services() {
  return {v1::SignRequest::descriptor()->file()->FindServiceByName("Signer"),
          v1::Connection::descriptor()->file()->FindServiceByName("Connections"),
          v1::KeyVersion::descriptor()->file()->FindServiceByName("KeyVersions"),
          v1::Approval::descriptor()->file()->FindServiceByName("Approvals"),
          v1::AuditHead::descriptor()->file()->FindServiceByName("Audit"),
          v1::ExplainPolicyRequest::descriptor()->file()->FindServiceByName("Policy")};
}

MetricFamily CertificateEnds(const registry::Snapshot& snapshot) {
  MetricFamily family = server::GaugeFamily(
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

MetricFamily CounterFamily(const char* name, const char* help, const char* label,
                           std::initializer_list<std::pair<const char*, uint64_t>> counts) {
  MetricFamily family;
  family.name = name;
  family.help = help;
  family.type = prometheus::MetricType::Counter;
  for (const auto& [value, count] : counts) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{label, value}};
    metric.counter.value = static_cast<double>(count);
  }
  return family;
}

MetricFamily Recoveries(const pkcs11::SessionPoolStats& stats) {
  return CounterFamily("keyward_session_recoveries_total",
                       "Attempts to bring the token's sessions back after they failed.", "outcome",
                       {{"recovered", stats.recoveries}, {"failed", stats.failed_recoveries}});
}

MetricFamily Refused(const QuotaRefusals& refusals) {
  return CounterFamily(
      "keyward_quota_refusals_total",
      "Calls refused because a quota of the policy was used up, by whose.", "kind",
      {{"identity", refusals.of_identity}, {"connection", refusals.of_connection}});
}

void AddForwarding(const ForwardStats& stats, std::vector<MetricFamily>& families) {
  families.push_back(server::SingleGauge("keyward_audit_forward_connected",
                                         "1 while audit records can be forwarded, else 0.",
                                         stats.connected ? 1 : 0));
  MetricFamily dropped;
  dropped.name = "keyward_audit_forward_dropped_total";
  dropped.help = "Audit records that were not forwarded and never will be.";
  dropped.type = prometheus::MetricType::Counter;
  dropped.metric.emplace_back().counter.value = static_cast<double>(stats.dropped);
  families.push_back(std::move(dropped));
}

void AddSigningPath(const MetricsSources& sources, std::vector<MetricFamily>& families) {
  families.push_back(server::SingleGauge("keyward_sign_queue_length",
                                         "Sign calls that wait for their turn at the token.",
                                         static_cast<double>(sources.queue_length())));
  const pkcs11::SessionPoolStats stats = sources.sessions();
  families.push_back(server::SingleGauge("keyward_sessions", "Sessions of the token for signing.",
                                         static_cast<double>(stats.sessions)));
  families.push_back(server::SingleGauge("keyward_sessions_in_use", "Those of them that are taken.",
                                         static_cast<double>(stats.in_use)));
  families.push_back(Recoveries(stats));
}

}  // namespace

Metrics::Metrics(MetricsSources sources)
    : sources_(std::move(sources)), calls_(registry_, Services()), sign_times_(registry_) {
  server::AddBuildInfo(registry_, "keyward-signer", KEYWARD_VERSION);
}

std::string Metrics::Text(absl::Time now) const {
  const std::shared_ptr<const registry::Snapshot> snapshot = sources_.snapshots.Get();
  std::vector<MetricFamily> families = registry_.Collect();
  families.push_back(server::SingleGauge(
      "keyward_serving", "1 while the signer can sign, 0 while it cannot or drains.",
      sources_.health().state == server::Health::State::kServing ? 1 : 0));
  families.push_back(server::SingleGauge(
      "keyward_certificates_expiring",
      absl::StrCat(
          "Key versions that may sign and whose certificate has expired or does so within ",
          absl::ToInt64Hours(kCertificateWarning) / 24, " days."),
      static_cast<double>(ExpiringVersions(*snapshot, now).size())));
  families.push_back(CertificateEnds(*snapshot));
  if (sources_.tls_certificate_end) {
    families.push_back(server::SingleGauge(
        server::kTlsCertificateEnd,
        "End of the TLS certificate that callers are shown, in seconds since 1970.",
        static_cast<double>(absl::ToUnixSeconds(sources_.tls_certificate_end()))));
  }
  if (sources_.client_crl_end) {
    families.push_back(
        server::SingleGauge(server::kClientCrlEnd, server::kClientCrlEndHelp,
                            static_cast<double>(absl::ToUnixSeconds(sources_.client_crl_end()))));
  }
  if (sources_.quota_refusals) families.push_back(Refused(sources_.quota_refusals()));
  if (sources_.client_connections) {
    server::AddClientConnections(sources_.client_connections(), families);
  }
  AddSigningPath(sources_, families);
  if (sources_.forward) AddForwarding(sources_.forward(), families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace keyward::signer
