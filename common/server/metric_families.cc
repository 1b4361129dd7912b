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

void AddBuildInfo(prometheus::Registry& registry, const char* daemon, const char* version) {
  prometheus::BuildGauge()
      .Name("keyward_build_info")
      .Help(absl::StrCat("Always 1; the label has the version of ", daemon, "."))
      .Register(registry)
      .Add({{"version", version}})
      .Set(1);
}

}  // namespace keyward::server
