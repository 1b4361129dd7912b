#include "client/exchange/monitoring.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace keyward::exchange {
namespace {

// Neither word needs JSON's escapes.
std::string HealthJson(const server::Health& health) {
  const bool has_reason = health.state == server::Health::State::kNotServing;
  return absl::StrCat(R"({"status":")", server::StateName(health.state), "\"",
                      has_reason ? absl::StrCat(R"(,"reason":")", health.reason, "\"") : "", "}\n");
}

}  // namespace

absl::StatusOr<std::unique_ptr<server::HttpListener>> StartMonitoring(
    const std::string& address, const ExchangeMetrics& metrics,
    std::function<server::Health()> health) {
  return server::HttpListener::New(
      address,
      [&metrics, health = std::move(health)](const std::string& path) -> server::HttpAnswer {
        if (path == "/metrics") {
          return {.status = 200, .content_type = server::kPrometheusText, .body = metrics.Text()};
        }
        if (path == "/health") {
          const server::Health now = health();
          return {.status = now.state == server::Health::State::kServing ? 200 : 503,
                  .content_type = "application/json",
                  .body = HealthJson(now)};
        }
        return server::NoSuchPage();
      });
}

}  // namespace keyward::exchange
