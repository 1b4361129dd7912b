#include "common/server/metric_families.h"

#include <prometheus/gauge.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace keyward::server {

prometheus::MetricFamily GaugeFamily(const char* name, std::string help) {
  prometheus::MetricFamily family;
  family.name = name;
  family.help = std::move(help);
  family.type = prometheus::MetricType::Gauge;
  return family;
}

prometheus::MetricFamily SingleGauge(const char* name, std::string help, double value) {
  prometheus::MetricFamily family = GaugeFamily(name, std::move(help));
  family.metric.emplace_back().gauge.value = value;
  return family;
}

void AddClientConnections(const ConnectionStats& stats,
                          std::vector<prometheus::MetricFamily>& families) {
  families.push_back(SingleGauge("keyward_client_connections",
                                 "TCP connections of clients, those without TLS yet included.",
                                 static_cast<double>(stats.open)));
  prometheus::MetricFamily turned_away;
  turned_away.name = "keyward_client_connections_turned_away_total";
  turned_away.help =
      "TCP connections that were closed because there were as many as may be: as they came, or "
      "later to make room for another address.";
  turned_away.type = prometheus::MetricType::Counter;
  const auto add = [&](const char* how, int64_t count) {
    prometheus::ClientMetric& metric = turned_away.metric.emplace_back();
    metric.label = {{"how", how}};
    metric.counter.value = static_cast<double>(count);
  };
  add("refused", stats.refused);
  add("displaced", stats.displaced);
  families.push_back(std::move(turned_away));
}

void AddBuildInfo(prometheus::Registry& registry, const char* daemon, const char* version) {
  prometheus::BuildGauge()
      .Name("keyward_build_info")
      .Help(absl::StrCat("Always 1; the label has the version of ", daemon, "."))
      .Register(registry)
      .Add({{"version", version}})
      .Set(1);
}

}  // namespace keyward::server
