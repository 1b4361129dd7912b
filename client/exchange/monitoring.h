// Metrics and health for monitoring systems, over plain HTTP.
#ifndef KEYWARD_CLIENT_EXCHANGE_MONITORING_H_
#define KEYWARD_CLIENT_EXCHANGE_MONITORING_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/exchange/exchange_metrics.h"
#include "common/server/health.h"
#include "common/server/http_listener.h"

namespace keyward::exchange {

// Serves GET of /metrics, and of /health with 200 while calls are taken and 503 while
// they are not, on `address`, "HOST:PORT". Nobody is authenticated. What is referred to
// outlives the listener. UNAVAILABLE where it cannot listen there.
absl::StatusOr<std::unique_ptr<server::HttpListener>> StartMonitoring(
    const std::string& address, const ExchangeMetrics& metrics,
    std::function<server::Health()> health);

}  // namespace keyward::exchange

#endif  // KEYWARD_CLIENT_EXCHANGE_MONITORING_H_
