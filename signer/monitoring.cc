#include "signer/monitoring.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/time/clock.h"
#include "common/certificate_expiry.h"
#include "keystore/registry/sql_values.h"
#include "signer/certificate_watch.h"

namespace keyward::signer {
namespace {

using nlohmann::ordered_json;

constexpr char kJson[] = "application/json";
ordered_json CertificateJson(const registry::KeyVersion& version, absl::Time now) {
  const absl::Time not_after = version.certificate_not_after;
  return {
      {"connection", version.connection},
      {"key_version", version.number},
      {"state", registry::EncodeState(version.state)},
      {"not_after", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", not_after, absl::UTCTimeZone())},
      {"days_left", CertificateDaysLeft(not_after, now)},
      {"status", std::string(CertificateStatusName(CertificateStatusAt(not_after, now)))},
  };
}

}  // namespace

std::string HealthJson(const server::Health& health, const registry::Snapshot& snapshot,
                       absl::Time now) {
  ordered_json json;
  json["status"] = server::StateName(health.state);
  if (health.state == server::Health::State::kNotServing) json["reason"] = health.reason;
  json["certificates"] = ordered_json::array();
  for (const registry::KeyVersion* version : ExpiringVersions(snapshot, now)) {
    json["certificates"].push_back(CertificateJson(*version, now));
  }
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

server::HttpAnswer AnswerMonitoring(const MonitoringParts& parts, absl::string_view path) {
  if (path == "/metrics") {
    return {.status = 200,
            .content_type = server::kPrometheusText,
            .body = parts.metrics.Text(absl::Now())};
  }
  if (path == "/health") {
    const server::Health health = parts.health();
    const std::shared_ptr<const registry::Snapshot> snapshot = parts.snapshots.Get();
    return {.status = health.state == server::Health::State::kServing ? 200 : 503,
            .content_type = kJson,
            .body = HealthJson(health, *snapshot, absl::Now())};
  }
  return server::NoSuchPage();
}

absl::StatusOr<std::unique_ptr<server::HttpListener>> StartMonitoring(const std::string& address,
                                                                      MonitoringParts parts) {
  return server::HttpListener::New(address, [parts = std::move(parts)](const std::string& path) {
    return AnswerMonitoring(parts, path);
  });
}

}  // namespace keyward::signer
