#include "signer/monitoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/signer/watched_versions.h"

namespace keyward::signer {
namespace {

using ::testing::HasSubstr;

TEST(MonitoringTest, HealthListsOnlyCertificatesNearTheirEnd) {
  const auto snapshot = EveryEnd();
  EXPECT_EQ(nlohmann::json::parse(HealthJson(
                {.state = server::Health::State::kServing, .reason = "X"}, *snapshot, kNow)),
            nlohmann::json::parse(R"({"status": "SERVING", "certificates": [
      {"connection": "acme", "key_version": 2, "state": "PENDING",
       "not_after": "2027-02-13T08:00:00Z", "days_left": 29, "status": "EXPIRING"},
      {"connection": "acme", "key_version": 3, "state": "RETIRING",
       "not_after": "2027-01-15T08:00:00Z", "days_left": 0, "status": "EXPIRING"},
      {"connection": "acme", "key_version": 4, "state": "RETIRING",
       "not_after": "2027-01-14T08:00:00Z", "days_left": -1, "status": "EXPIRED"}]})"));
}

TEST(MonitoringTest, HealthSaysWhyItDoesNotServe) {
  const auto snapshot = SnapshotOf({});
  EXPECT_EQ(HealthJson({.state = server::Health::State::kNotServing, .reason = "TOKEN_UNAVAILABLE"},
                       *snapshot, kNow),
            "{\"status\":\"NOT_SERVING\",\"reason\":\"TOKEN_UNAVAILABLE\",\"certificates\":[]}\n");
  EXPECT_EQ(HealthJson({.state = server::Health::State::kDraining}, *snapshot, kNow),
            "{\"status\":\"DRAINING\",\"certificates\":[]}\n");
}

TEST(MonitoringTest, PathsAndStatuses) {
  const registry::SnapshotHolder snapshots(EveryEnd());
  server::Health health{.state = server::Health::State::kServing};
  const auto get_health = [&health] { return health; };
  const Metrics metrics({.snapshots = snapshots,
                         .health = get_health,
                         .queue_length = [] { return 0; },
                         .sessions = [] { return pkcs11::SessionPoolStats(); },
                         .tls_certificate_end = nullptr,
                         .client_crl_end = nullptr});
  const MonitoringParts parts{metrics, snapshots, get_health};
  EXPECT_EQ(AnswerMonitoring(parts, "/health").status, 200);
  EXPECT_EQ(AnswerMonitoring(parts, "/health").content_type, "application/json");
  EXPECT_EQ(AnswerMonitoring(parts, "/metrics").content_type,
            "text/plain; version=0.0.4; charset=utf-8");
  for (const auto state : {server::Health::State::kNotServing, server::Health::State::kDraining}) {
    health.state = state;
    EXPECT_EQ(AnswerMonitoring(parts, "/health").status, 503);
    EXPECT_EQ(AnswerMonitoring(parts, "/metrics").status, 200);
  }
  for (const char* path : {"", "/", "/metrics/", "/Health", "/metrics/../health"}) {
    EXPECT_EQ(AnswerMonitoring(parts, path).status, 404) << path;
  }
}

}  // namespace
}  // namespace keyward::signer
